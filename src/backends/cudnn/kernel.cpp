#include "backends/cudnn/kernel.h"

#include "backends/dense_spec.h"
#include "core/error.h"

namespace alx::cudnn {

DeviceKernel::DeviceKernel(const Op& op, const Context& context, DataType type)
    : device_(context.device),
      type_(type),
      training_(context.training()),
      step_(context.request.step) {
  spec_ = dense_spec(op, context.request, type, training_ ? DataType::f32 : type);
  spec_.implementation = "cudnn";
}

const void* DeviceKernel::convert_weight() const {
  if (converts_params())
    device_->launch(Convert{memory_.params[0], memory_.state, DataType::f32, type_,
                            static_cast<size_t>(element_count(spec_.params[0].shape))});
  return weight();
}

void DeviceKernel::pad(const void* from, const Shape& from_shape, void* to, const Shape& to_shape,
                       const Pad& pad, float fill) const {
  device_->launch(Window{from, to, type_, from_shape[2], from_shape[3], to_shape[2], to_shape[3],
                         pad.top, pad.left, fill, static_cast<size_t>(element_count(to_shape))});
}

void DeviceKernel::crop(const void* from, const Shape& from_shape, void* to, const Shape& to_shape,
                        const Pad& pad) const {
  this->pad(from, from_shape, to, to_shape, {-pad.top, -pad.left, 0, 0}, 0);
}

cudnnDataType_t type_of(DataType type) {
  switch (type) {
    case DataType::f16: return CUDNN_DATA_HALF;
    case DataType::bf16: return CUDNN_DATA_BFLOAT16;
    default: return CUDNN_DATA_FLOAT;
  }
}

ActivationDescriptor::ActivationDescriptor(const Device& device, Activation activation)
    : Handle(device.api(), device.index()) {
  const cudnnActivationMode_t mode = activation == Activation::relu   ? CUDNN_ACTIVATION_RELU
                                     : activation == Activation::tanh ? CUDNN_ACTIVATION_TANH
                                                                      : CUDNN_ACTIVATION_IDENTITY;
  device.call<&Api::cudnnSetActivationDescriptor>(*this, mode, CUDNN_PROPAGATE_NAN, 0.0);
}

TensorDescriptor::TensorDescriptor(const Device& device, const Shape& shape, DataType type)
    : Handle(device.api(), device.index()) {
  int dims[4] = {1, 1, 1, 1};
  check(shape.size() <= 4, Code::internal, "a tensor of ", shape.size(), " dimensions for cuDNN");
  const int64_t elements = element_count(shape), row = elements / shape[0];
  check(elements <= INT32_MAX, Code::unsupported, "a tensor of ", to_string(shape), " has ",
        elements, " elements, cuDNN takes at most ", INT32_MAX,
        row <= INT32_MAX ? cat(": take a batch of at most ", INT32_MAX / row) : std::string());
  for (size_t i = 0; i < shape.size(); ++i) dims[i] = static_cast<int>(shape[i]);
  device.call<&Api::cudnnSetTensor4dDescriptor>(*this, CUDNN_TENSOR_NCHW, type_of(type), dims[0],
                                                dims[1], dims[2], dims[3]);
}

void activation_backward(Device& device, cudnnActivationDescriptor_t activation,
                         cudnnTensorDescriptor_t desc, const void* y, const void* dy, void* dx) {
  // The derivatives of ReLU and tanh can be told from y, so y stands for x, which may be
  // overwritten.
  device.call<&Api::cudnnActivationBackward>(device.cudnn(), activation, &one, desc, y, desc, dy,
                                             desc, y, &zero, desc, dx);
}

namespace {

cudaDataType_t blas_type(DataType type) {
  return type == DataType::f16 ? CUDA_R_16F : type == DataType::bf16 ? CUDA_R_16BF : CUDA_R_32F;
}

}  // namespace

void multiply(Device& device, const MatrixShape& s, const Matrix& a, const Matrix& b,
              const Matrix& c, cublasComputeType_t compute) {
  device.call<&Api::cublasGemmEx>(device.cublas(), s.op_a, s.op_b, s.m, s.n, s.k, &one, a.elements,
                                  blas_type(a.type), a.leading, b.elements, blas_type(b.type),
                                  b.leading, &zero, const_cast<void*>(c.elements),
                                  blas_type(c.type), c.leading, compute, CUBLAS_GEMM_DEFAULT);
}

size_t channel_sum_bytes(const Shape& shape) {
  return shape.size() == 2 ? 0 : static_cast<size_t>(shape[0] * shape[1]) * sizeof(float);
}

// As products with ones: first over the positions of each plane, then over the images.
void sum_channels(Device& device, DataType type, const void* values, const Shape& shape,
                  void* scratch, void* sums) {
  const auto images = static_cast<int>(shape[0]), channels = static_cast<int>(shape[1]);
  Matrix by_channel{values, type, channels};  // (channels x images)
  if (shape.size() > 2) {
    const auto plane = static_cast<int>(shape[2] * shape[3]);
    by_channel = {scratch, DataType::f32, channels};
    multiply(device, {CUBLAS_OP_T, CUBLAS_OP_N, images * channels, 1, plane}, {values, type, plane},
             {device.ones(type, static_cast<size_t>(plane)), type, plane},
             {scratch, DataType::f32, images * channels});
  }
  multiply(device, {CUBLAS_OP_N, CUBLAS_OP_N, channels, 1, images}, by_channel,
           {device.ones(by_channel.type, static_cast<size_t>(images)), by_channel.type, images},
           {sums, DataType::f32, channels});
}

}  // namespace alx::cudnn
