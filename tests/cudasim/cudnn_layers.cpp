// The stand-in for cuDNN: activations, normalisation, pools, softmax.
#include <algorithm>
#include <cmath>

#include "cudasim/cudnn_descriptors.h"
#include "cudasim/oracle.h"

namespace alx::cudasim {
namespace {

// Backward passes get what forward read and wrote. cuDNN may use either, so that both must be what
// forward had.
void check_forward(const char* call, const std::vector<float>& expected, const void* y,
                   const TensorInfo& info) {
  std::vector<float> given(expected.size());
  unpack(y, info.element, given);
  std::vector<uint32_t> rounded(expected.size());  // large enough for any type
  pack(expected, rounded.data(), info.element);
  for (size_t i = 0; i < given.size(); ++i) {
    const float wanted = cudnn::load(rounded.data(), info.element, i);
    if (given[i] == wanted || (given[i] != given[i] && wanted != wanted)) continue;
    return violate(cat(call, ": y is not what forward made of x: element ", i, " is ", given[i],
                       ", not ", wanted));
  }
}

// The tensors of a backward pass, which must all be alike but for pools.
struct Backward {
  TensorInfo y, dy, x, dx;
};

Backward backward_tensors(cudnnTensorDescriptor_t y, cudnnTensorDescriptor_t dy,
                          cudnnTensorDescriptor_t x, cudnnTensorDescriptor_t dx) {
  const Backward tensors{tensor(y, "yDesc"), tensor(dy, "dyDesc"), tensor(x, "xDesc"),
                         tensor(dx, "dxDesc")};
  check_same(tensors.y, "yDesc", tensors.dy, "dyDesc");
  check_same(tensors.x, "xDesc", tensors.dx, "dxDesc");
  return tensors;
}

// ---- activations -------------------------------------------------------------------------------

Op op_of(const ActivationInfo& activation) {
  expect(activation.mode != CUDNN_ACTIVATION_IDENTITY,
         "IDENTITY exists in fused convolutions alone");
  if (activation.mode == CUDNN_ACTIVATION_RELU) return Relu{};
  return Tanh{};
}

cudnnStatus_t activation_forward(cudnnHandle_t handle, cudnnActivationDescriptor_t descriptor,
                                 const void* alpha, cudnnTensorDescriptor_t x_descriptor,
                                 const void* x, const void* beta,
                                 cudnnTensorDescriptor_t y_descriptor, void* y) {
  static constexpr const char* call = "cudnnActivationForward";
  return perform(call, cudnn_status, [&] {
    const auto& activation = get_set<ActivationInfo>(descriptor, "activationDesc");
    const TensorInfo info = tensor(x_descriptor, "xDesc");
    check_same(info, "xDesc", tensor(y_descriptor, "yDesc"), "yDesc");
    const Op op = op_of(activation);
    Operation operation(call, handle);
    operation.check_blend(alpha, beta);
    operation.read("x", info, x);
    operation.write("y", info, y, "x");
    const bool drops_nan = activation.mode == CUDNN_ACTIVATION_RELU && !activation.keeps_nan;
    operation.run([op, info, drops_nan](const std::vector<void*>& at) {
      Oracle oracle(op, info.shape);
      unpack(at[0], info.element, oracle.x);
      oracle.forward();
      for (float& value : oracle.y)
        if (drops_nan && value != value) value = 0;
      pack(oracle.y, at[1], info.element);
    });
  });
}

// Only ReLU's input is checked against y, and by sign: y may come from another library's tanh, or
// carry a bias.
void check_relu(const char* call, const void* x, const std::vector<float>& y,
                const TensorInfo& info) {
  for (size_t i = 0; i < y.size(); ++i) {
    const float value = cudnn::load(x, info.element, i);
    if ((value > 0) == (y[i] > 0)) continue;
    return violate(cat(call, ": x is not what y was made of: element ", i, " is ", value,
                       " and became ", y[i]));
  }
}

cudnnStatus_t activation_backward(cudnnHandle_t handle, cudnnActivationDescriptor_t descriptor,
                                  const void* alpha, cudnnTensorDescriptor_t y_descriptor,
                                  const void* y, cudnnTensorDescriptor_t dy_descriptor,
                                  const void* dy, cudnnTensorDescriptor_t x_descriptor,
                                  const void* x, const void* beta,
                                  cudnnTensorDescriptor_t dx_descriptor, void* dx) {
  static constexpr const char* call = "cudnnActivationBackward";
  return perform(call, cudnn_status, [&] {
    const auto& activation = get_set<ActivationInfo>(descriptor, "activationDesc");
    const TensorInfo info =
        backward_tensors(y_descriptor, dy_descriptor, x_descriptor, dx_descriptor).x;
    check_same(info, "xDesc", tensor(y_descriptor, "yDesc"), "yDesc");
    const Op op = op_of(activation);
    Operation operation(call, handle);
    operation.check_blend(alpha, beta);
    operation.read("y", info, y);
    operation.read("dy", info, dy);
    operation.read("x", info, x);
    operation.write("dx", info, dx, "dy");
    const bool is_relu = activation.mode == CUDNN_ACTIVATION_RELU;
    operation.run([op, info, is_relu](const std::vector<void*>& at) {
      Oracle oracle(op, info.shape, Phase::training);
      unpack(at[0], info.element, oracle.y);
      unpack(at[1], info.element, oracle.dy);
      if (is_relu) check_relu(call, at[2], oracle.y, info);
      oracle.backward();
      pack(oracle.dx, at[3], info.element);
    });
  });
}

// ---- normalisation -----------------------------------------------------------------------------

// "Values of double parameters cast to tensor data type".
float cast(double value, DataType type) {
  uint32_t bits = 0;
  cudnn::store(&bits, type, 0, static_cast<float>(value));
  return cudnn::load(&bits, type, 0);
}

Lrn lrn_of(cudnnLRNDescriptor_t descriptor, cudnnLRNMode_t mode, const TensorInfo& info) {
  expect(mode == CUDNN_LRN_CROSS_CHANNEL_DIM1, "there is no mode ", int{mode});
  // as libcudnn's own check says
  expect(info.element != DataType::bf16, "there is no LRN in bf16");
  expect(info.element == DataType::f32,
         "LRN in half may overflow where values are squared: this library does not");
  const auto& lrn = get_set<LrnInfo>(descriptor, "normDesc");
  Lrn op;
  op.size = lrn.size;
  op.alpha = cast(lrn.alpha, info.element);
  op.beta = cast(lrn.beta, info.element);
  op.k = cast(lrn.k, info.element);
  return op;
}

cudnnStatus_t lrn_forward(cudnnHandle_t handle, cudnnLRNDescriptor_t descriptor,
                          cudnnLRNMode_t mode, const void* alpha,
                          cudnnTensorDescriptor_t x_descriptor, const void* x, const void* beta,
                          cudnnTensorDescriptor_t y_descriptor, void* y) {
  static constexpr const char* call = "cudnnLRNCrossChannelForward";
  return perform(call, cudnn_status, [&] {
    const TensorInfo info = tensor(x_descriptor, "xDesc");
    check_same(info, "xDesc", tensor(y_descriptor, "yDesc"), "yDesc");
    const Lrn op = lrn_of(descriptor, mode, info);
    Operation operation(call, handle);
    operation.check_blend(alpha, beta);
    operation.read("x", info, x);
    operation.write("y", info, y);
    operation.run([op, info](const std::vector<void*>& at) {
      Oracle oracle(op, info.shape);
      unpack(at[0], info.element, oracle.x);
      oracle.forward();
      pack(oracle.y, at[1], info.element);
    });
  });
}

cudnnStatus_t lrn_backward(cudnnHandle_t handle, cudnnLRNDescriptor_t descriptor,
                           cudnnLRNMode_t mode, const void* alpha,
                           cudnnTensorDescriptor_t y_descriptor, const void* y,
                           cudnnTensorDescriptor_t dy_descriptor, const void* dy,
                           cudnnTensorDescriptor_t x_descriptor, const void* x, const void* beta,
                           cudnnTensorDescriptor_t dx_descriptor, void* dx) {
  static constexpr const char* call = "cudnnLRNCrossChannelBackward";
  return perform(call, cudnn_status, [&] {
    const TensorInfo info =
        backward_tensors(y_descriptor, dy_descriptor, x_descriptor, dx_descriptor).x;
    check_same(info, "xDesc", tensor(y_descriptor, "yDesc"), "yDesc");
    const Lrn op = lrn_of(descriptor, mode, info);
    Operation operation(call, handle);
    operation.check_blend(alpha, beta);
    operation.read("y", info, y);
    operation.read("dy", info, dy);
    operation.read("x", info, x);
    operation.write("dx", info, dx);
    operation.run([op, info](const std::vector<void*>& at) {
      Oracle oracle(op, info.shape, Phase::training);
      unpack(at[2], info.element, oracle.x);
      oracle.forward();
      check_forward(call, oracle.y, at[0], info);
      unpack(at[1], info.element, oracle.dy);
      oracle.backward();
      pack(oracle.dx, at[3], info.element);
    });
  });
}

// ---- pools -------------------------------------------------------------------------------------

bool is_max(const PoolingInfo& pooling) {
  return pooling.mode == CUDNN_POOLING_MAX || pooling.mode == CUDNN_POOLING_MAX_DETERMINISTIC;
}

Op op_of(const PoolingInfo& pooling, const TensorInfo& x, const TensorInfo& y) {
  const Shape& in = x.shape;
  const int64_t span_h = in[2] + 2 * pooling.pad_h - pooling.window,
                span_w = in[3] + 2 * pooling.pad_w - pooling.window;
  expect(span_h >= 0 && span_w >= 0, "a window of ", pooling.window, " does not fit into ",
         to_string(in));
  const Shape expected{in[0], in[1], 1 + span_h / pooling.stride, 1 + span_w / pooling.stride};
  expect(y.shape == expected, "yDesc is ", to_string(y.shape), ", but this pool gives ",
         to_string(expected));
  expect(x.element == y.element, "xDesc and yDesc must be of one type, got ", name_of(x.element),
         " and ", name_of(y.element));
  const Pad pad{pooling.pad_h, pooling.pad_w, pooling.pad_h, pooling.pad_w};
  if (is_max(pooling)) return MaxPool{pooling.window, pooling.stride, pad, Round::floor};
  const bool counts_padding = pooling.mode == CUDNN_POOLING_AVERAGE_COUNT_INCLUDE_PADDING;
  return AvgPool{pooling.window, pooling.stride, pad, Round::floor, counts_padding};
}

cudnnStatus_t pooling_forward(cudnnHandle_t handle, cudnnPoolingDescriptor_t descriptor,
                              const void* alpha, cudnnTensorDescriptor_t x_descriptor,
                              const void* x, const void* beta, cudnnTensorDescriptor_t y_descriptor,
                              void* y) {
  static constexpr const char* call = "cudnnPoolingForward";
  return perform(call, cudnn_status, [&] {
    const TensorInfo x_info = tensor(x_descriptor, "xDesc"), y_info = tensor(y_descriptor, "yDesc");
    const Op op = op_of(get_set<PoolingInfo>(descriptor, "poolingDesc"), x_info, y_info);
    Operation operation(call, handle);
    operation.check_blend(alpha, beta);
    operation.read("x", x_info, x);
    operation.write("y", y_info, y);
    operation.run([op, x_info](const std::vector<void*>& at) {
      Oracle oracle(op, x_info.shape);
      unpack(at[0], x_info.element, oracle.x);
      oracle.forward();
      pack(oracle.y, at[1], x_info.element);
    });
  });
}

cudnnStatus_t pooling_backward(cudnnHandle_t handle, cudnnPoolingDescriptor_t descriptor,
                               const void* alpha, cudnnTensorDescriptor_t y_descriptor,
                               const void* y, cudnnTensorDescriptor_t dy_descriptor, const void* dy,
                               cudnnTensorDescriptor_t x_descriptor, const void* x,
                               const void* beta, cudnnTensorDescriptor_t dx_descriptor, void* dx) {
  static constexpr const char* call = "cudnnPoolingBackward";
  return perform(call, cudnn_status, [&] {
    const auto& pooling = get_set<PoolingInfo>(descriptor, "poolingDesc");
    expect(pooling.mode != CUDNN_POOLING_MAX,
           "CUDNN_POOLING_MAX is not deterministic: this library promises deterministic results");
    const Backward info =
        backward_tensors(y_descriptor, dy_descriptor, x_descriptor, dx_descriptor);
    const Op op = op_of(pooling, info.x, info.y);
    Operation operation(call, handle);
    operation.check_blend(alpha, beta);
    operation.read("y", info.y, y);
    operation.read("dy", info.dy, dy);
    operation.read("x", info.x, x);
    operation.write("dx", info.dx, dx);
    operation.run([op, info, needs_y = is_max(pooling)](const std::vector<void*>& at) {
      Oracle oracle(op, info.x.shape, Phase::training);
      unpack(at[2], info.x.element, oracle.x);
      oracle.forward();
      if (needs_y) check_forward(call, oracle.y, at[0], info.y);
      unpack(at[1], info.dy.element, oracle.dy);
      oracle.backward();
      pack(oracle.dx, at[3], info.dx.element);
    });
  });
}

// ---- softmax -----------------------------------------------------------------------------------

// The rows and columns of the matrix whose rows are normalised.
Shape rows_of(cudnnSoftmaxAlgorithm_t algorithm, cudnnSoftmaxMode_t mode, const TensorInfo& info) {
  expect(algorithm == CUDNN_SOFTMAX_ACCURATE || algorithm == CUDNN_SOFTMAX_LOG, "algorithm ",
         int{algorithm}, " is not simulated, only CUDNN_SOFTMAX_ACCURATE and CUDNN_SOFTMAX_LOG");
  const Shape& shape = info.shape;
  expect(mode == CUDNN_SOFTMAX_MODE_INSTANCE || mode == CUDNN_SOFTMAX_MODE_CHANNEL,
         "there is no mode ", int{mode});
  expect(mode == CUDNN_SOFTMAX_MODE_INSTANCE || (shape[2] == 1 && shape[3] == 1),
         "CUDNN_SOFTMAX_MODE_CHANNEL is simulated for one pixel alone, not for ", to_string(shape));
  return {shape[0], shape[1] * shape[2] * shape[3]};
}

void log_softmax(const float* x, size_t count, float* y) {
  const double largest = *std::max_element(x, x + count);
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += std::exp(x[i] - largest);
  for (size_t i = 0; i < count; ++i) y[i] = static_cast<float>(x[i] - largest - std::log(sum));
}

void log_softmax_grad(const float* y, const float* dy, size_t count, float* dx) {
  double sum = 0;
  for (size_t i = 0; i < count; ++i) sum += dy[i];
  for (size_t i = 0; i < count; ++i)
    dx[i] = static_cast<float>(dy[i] - std::exp(static_cast<double>(y[i])) * sum);
}

cudnnStatus_t softmax_forward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm,
                              cudnnSoftmaxMode_t mode, const void* alpha,
                              cudnnTensorDescriptor_t x_descriptor, const void* x, const void* beta,
                              cudnnTensorDescriptor_t y_descriptor, void* y) {
  static constexpr const char* call = "cudnnSoftmaxForward";
  return perform(call, cudnn_status, [&] {
    const TensorInfo info = tensor(x_descriptor, "xDesc");
    check_same(info, "xDesc", tensor(y_descriptor, "yDesc"), "yDesc");
    const Shape rows = rows_of(algorithm, mode, info);
    Operation operation(call, handle);
    operation.check_blend(alpha, beta);
    operation.read("x", info, x);
    operation.write("y", info, y, "x");
    operation.run([rows, algorithm, type = info.element](const std::vector<void*>& at) {
      Oracle oracle(Softmax{}, rows);
      unpack(at[0], type, oracle.x);
      const auto columns = static_cast<size_t>(rows[1]);
      if (algorithm == CUDNN_SOFTMAX_ACCURATE) oracle.forward();
      for (size_t i = 0; algorithm == CUDNN_SOFTMAX_LOG && i < oracle.x.size(); i += columns)
        log_softmax(&oracle.x[i], columns, &oracle.y[i]);
      pack(oracle.y, at[1], type);
    });
  });
}

cudnnStatus_t softmax_backward(cudnnHandle_t handle, cudnnSoftmaxAlgorithm_t algorithm,
                               cudnnSoftmaxMode_t mode, const void* alpha,
                               cudnnTensorDescriptor_t y_descriptor, const void* y,
                               cudnnTensorDescriptor_t dy_descriptor, const void* dy,
                               const void* beta, cudnnTensorDescriptor_t dx_descriptor, void* dx) {
  static constexpr const char* call = "cudnnSoftmaxBackward";
  return perform(call, cudnn_status, [&] {
    const TensorInfo info = tensor(y_descriptor, "yDesc");
    check_same(info, "yDesc", tensor(dy_descriptor, "dyDesc"), "dyDesc");
    check_same(info, "yDesc", tensor(dx_descriptor, "dxDesc"), "dxDesc");
    const Shape rows = rows_of(algorithm, mode, info);
    Operation operation(call, handle);
    operation.check_blend(alpha, beta);
    operation.read("y", info, y);
    operation.read("dy", info, dy);
    operation.write("dx", info, dx, "dy");
    operation.run([rows, algorithm, type = info.element](const std::vector<void*>& at) {
      Oracle oracle(Softmax{}, rows, Phase::training);
      unpack(at[0], type, oracle.y);
      unpack(at[1], type, oracle.dy);
      const auto columns = static_cast<size_t>(rows[1]);
      if (algorithm == CUDNN_SOFTMAX_ACCURATE) oracle.backward();
      for (size_t i = 0; algorithm == CUDNN_SOFTMAX_LOG && i < oracle.y.size(); i += columns)
        log_softmax_grad(&oracle.y[i], &oracle.dy[i], columns, &oracle.dx[i]);
      pack(oracle.dx, at[2], type);
    });
  });
}

}  // namespace

void add_cudnn_layers(cudnn::Api& api) {
  api.cudnnActivationForward = activation_forward;
  api.cudnnActivationBackward = activation_backward;
  api.cudnnLRNCrossChannelForward = lrn_forward;
  api.cudnnLRNCrossChannelBackward = lrn_backward;
  api.cudnnPoolingForward = pooling_forward;
  api.cudnnPoolingBackward = pooling_backward;
  api.cudnnSoftmaxForward = softmax_forward;
  api.cudnnSoftmaxBackward = softmax_backward;
}

}  // namespace alx::cudasim
