// The stand-in for cuDNN: descriptors.
#include "cudasim/cudnn_descriptors.h"

#include <cmath>
#include <limits>

namespace alx::cudasim {
namespace {

template <class T, class Opaque>
cudnnStatus_t create(const char* call, Opaque* descriptor) {
  constexpr Statuses<cudnnStatus_t> status{CUDNN_STATUS_SUCCESS, CUDNN_STATUS_ALLOC_FAILED,
                                           CUDNN_STATUS_BAD_PARAM};
  return perform(call, status, [&] { Objects<T>::all().create(descriptor); });
}

template <class T, class Opaque>
cudnnStatus_t destroy(const char* call, Opaque descriptor) {
  return perform(call, cudnn_status,
                 [&] { Objects<T>::all().destroy(descriptor, "the descriptor"); });
}

// Sets what `body` computes from the present state, unless it refuses.
template <class T, class Opaque, class Body>
cudnnStatus_t set(const char* call, Opaque descriptor, const Body& body) {
  return perform(call, cudnn_status, [&] {
    T& object = Objects<T>::all().get(descriptor, "the descriptor");
    T next = object;
    body(next);
    next.set = true;
    object = next;
  });
}

DataType element_of(cudnnDataType_t type) {
  expect(type == CUDNN_DATA_FLOAT || type == CUDNN_DATA_HALF || type == CUDNN_DATA_BFLOAT16,
         "data type ", int{type}, " is not simulated, only float, half and bfloat16");
  return type == CUDNN_DATA_FLOAT  ? DataType::f32
         : type == CUDNN_DATA_HALF ? DataType::f16
                                   : DataType::bf16;
}

void set_elements(Elements& elements, cudnnTensorFormat_t format, cudnnDataType_t type,
                  const Shape& shape) {
  expect(format == CUDNN_TENSOR_NCHW, "format ", int{format}, " is not simulated, only NCHW");
  elements.element = element_of(type);
  for (int64_t size : shape)
    expect(size > 0, "every dimension must be positive, got ", to_string(shape));
  expect(element_count(shape) <= std::numeric_limits<int32_t>::max(), to_string(shape),
         " has more elements than the 2^31 - 1 that cuDNN can take");
  elements.shape = shape;
}

// ---- tensors and filters -----------------------------------------------------------------------

cudnnStatus_t create_tensor(cudnnTensorDescriptor_t* descriptor) {
  return create<TensorInfo>("cudnnCreateTensorDescriptor", descriptor);
}

cudnnStatus_t destroy_tensor(cudnnTensorDescriptor_t descriptor) {
  return destroy<TensorInfo>("cudnnDestroyTensorDescriptor", descriptor);
}

cudnnStatus_t set_tensor(cudnnTensorDescriptor_t descriptor, cudnnTensorFormat_t format,
                         cudnnDataType_t type, int n, int c, int h, int w) {
  return set<TensorInfo>("cudnnSetTensor4dDescriptor", descriptor, [&](TensorInfo& tensor) {
    set_elements(tensor, format, type, {n, c, h, w});
  });
}

cudnnStatus_t create_filter(cudnnFilterDescriptor_t* descriptor) {
  return create<FilterInfo>("cudnnCreateFilterDescriptor", descriptor);
}

cudnnStatus_t destroy_filter(cudnnFilterDescriptor_t descriptor) {
  return destroy<FilterInfo>("cudnnDestroyFilterDescriptor", descriptor);
}

cudnnStatus_t set_filter(cudnnFilterDescriptor_t descriptor, cudnnDataType_t type,
                         cudnnTensorFormat_t format, int k, int c, int h, int w) {
  return set<FilterInfo>("cudnnSetFilter4dDescriptor", descriptor, [&](FilterInfo& filter) {
    set_elements(filter, format, type, {k, c, h, w});
  });
}

// ---- convolutions ------------------------------------------------------------------------------

cudnnStatus_t create_convolution(cudnnConvolutionDescriptor_t* descriptor) {
  return create<ConvolutionInfo>("cudnnCreateConvolutionDescriptor", descriptor);
}

cudnnStatus_t destroy_convolution(cudnnConvolutionDescriptor_t descriptor) {
  return destroy<ConvolutionInfo>("cudnnDestroyConvolutionDescriptor", descriptor);
}

cudnnStatus_t set_convolution(cudnnConvolutionDescriptor_t descriptor, int pad_h, int pad_w,
                              int stride_h, int stride_w, int dilation_h, int dilation_w,
                              cudnnConvolutionMode_t mode, cudnnDataType_t compute) {
  return set<ConvolutionInfo>(
      "cudnnSetConvolution2dDescriptor", descriptor, [&](ConvolutionInfo& convolution) {
        expect(pad_h >= 0 && pad_w >= 0, "padding must not be negative, got ", pad_h, " x ", pad_w);
        expect(stride_h > 0 && stride_w > 0, "strides must be positive, got ", stride_h, " x ",
               stride_w);
        expect(stride_h == stride_w, "strides that differ are not simulated, got ", stride_h, " x ",
               stride_w);
        expect(dilation_h == 1 && dilation_w == 1, "dilation ", dilation_h, " x ", dilation_w,
               " is not simulated");
        expect(mode == CUDNN_CROSS_CORRELATION, "mode ", int{mode},
               " is not simulated, only CUDNN_CROSS_CORRELATION");
        expect(compute == CUDNN_DATA_FLOAT, "compute type ", int{compute},
               " is not simulated, only CUDNN_DATA_FLOAT");
        convolution = {};  // groups and math type have to be set after this
        convolution.pad_h = pad_h, convolution.pad_w = pad_w, convolution.stride = stride_h;
      });
}

cudnnStatus_t set_groups(cudnnConvolutionDescriptor_t descriptor, int groups) {
  return set<ConvolutionInfo>("cudnnSetConvolutionGroupCount", descriptor,
                              [&](ConvolutionInfo& convolution) {
                                expect(convolution.set, "the convolution must be set first");
                                expect(groups > 0, "groups must be positive, got ", groups);
                                convolution.groups = groups;
                              });
}

cudnnStatus_t set_math(cudnnConvolutionDescriptor_t descriptor, cudnnMathType_t math) {
  return set<ConvolutionInfo>("cudnnSetConvolutionMathType", descriptor,
                              [&](ConvolutionInfo& convolution) {
                                expect(convolution.set, "the convolution must be set first");
                                expect(math >= CUDNN_DEFAULT_MATH && math <= CUDNN_FMA_MATH,
                                       "there is no math type ", int{math});
                                convolution.math = math;
                              });
}

// ---- activations, normalisation, pools ---------------------------------------------------------

cudnnStatus_t create_activation(cudnnActivationDescriptor_t* descriptor) {
  return create<ActivationInfo>("cudnnCreateActivationDescriptor", descriptor);
}

cudnnStatus_t destroy_activation(cudnnActivationDescriptor_t descriptor) {
  return destroy<ActivationInfo>("cudnnDestroyActivationDescriptor", descriptor);
}

void check_nan(cudnnNanPropagation_t nan) {
  expect(nan == CUDNN_PROPAGATE_NAN || nan == CUDNN_NOT_PROPAGATE_NAN,
         "there is no NaN propagation ", int{nan});
}

cudnnStatus_t set_activation(cudnnActivationDescriptor_t descriptor, cudnnActivationMode_t mode,
                             cudnnNanPropagation_t nan, double coefficient) {
  return set<ActivationInfo>(
      "cudnnSetActivationDescriptor", descriptor, [&](ActivationInfo& activation) {
        expect(mode == CUDNN_ACTIVATION_RELU || mode == CUDNN_ACTIVATION_TANH ||
                   mode == CUDNN_ACTIVATION_IDENTITY,
               "activation ", int{mode}, " is not simulated, only RELU, TANH and IDENTITY");
        check_nan(nan);
        expect(std::isfinite(coefficient), "the coefficient must be finite, got ", coefficient);
        activation.mode = mode;
        activation.keeps_nan = nan == CUDNN_PROPAGATE_NAN;
      });
}

cudnnStatus_t create_lrn(cudnnLRNDescriptor_t* descriptor) {
  return create<LrnInfo>("cudnnCreateLRNDescriptor", descriptor);
}

cudnnStatus_t destroy_lrn(cudnnLRNDescriptor_t descriptor) {
  return destroy<LrnInfo>("cudnnDestroyLRNDescriptor", descriptor);
}

cudnnStatus_t set_lrn(cudnnLRNDescriptor_t descriptor, unsigned size, double alpha, double beta,
                      double k) {
  return set<LrnInfo>("cudnnSetLRNDescriptor", descriptor, [&](LrnInfo& lrn) {
    expect(size >= CUDNN_LRN_MIN_N && size <= CUDNN_LRN_MAX_N, "lrnN must lie in 1..16, got ",
           size);
    // cuDNN's window then reaches further ahead than back, everyone else's further back.
    expect(size % 2 == 1, "lrnN ", size, " is even, which is not simulated");
    expect(std::isfinite(alpha) && alpha >= 0, "lrnAlpha ", alpha, " is not simulated");
    expect(std::isfinite(beta) && beta >= CUDNN_LRN_MIN_BETA, "lrnBeta must be at least 0.01, got ",
           beta);
    expect(std::isfinite(k) && k >= CUDNN_LRN_MIN_K, "lrnK must be at least 1e-5, got ", k);
    lrn.size = size;
    lrn.alpha = alpha, lrn.beta = beta, lrn.k = k;
  });
}

cudnnStatus_t create_pooling(cudnnPoolingDescriptor_t* descriptor) {
  return create<PoolingInfo>("cudnnCreatePoolingDescriptor", descriptor);
}

cudnnStatus_t destroy_pooling(cudnnPoolingDescriptor_t descriptor) {
  return destroy<PoolingInfo>("cudnnDestroyPoolingDescriptor", descriptor);
}

cudnnStatus_t set_pooling(cudnnPoolingDescriptor_t descriptor, cudnnPoolingMode_t mode,
                          cudnnNanPropagation_t nan, int window_h, int window_w, int pad_h,
                          int pad_w, int stride_h, int stride_w) {
  return set<PoolingInfo>("cudnnSetPooling2dDescriptor", descriptor, [&](PoolingInfo& pooling) {
    expect(mode >= CUDNN_POOLING_MAX && mode <= CUDNN_POOLING_MAX_DETERMINISTIC,
           "there is no mode ", int{mode});
    check_nan(nan);
    const bool is_max = mode == CUDNN_POOLING_MAX || mode == CUDNN_POOLING_MAX_DETERMINISTIC;
    expect(!is_max || nan == CUDNN_PROPAGATE_NAN,
           "a maximum that drops not-a-number is not simulated");
    expect(window_h > 0 && window_w > 0, "the window must be positive, got ", window_h, " x ",
           window_w);
    expect(stride_h > 0 && stride_w > 0, "strides must be positive, got ", stride_h, " x ",
           stride_w);
    expect(window_h == window_w && stride_h == stride_w,
           "windows and strides that differ are not simulated, got ", window_h, " x ", window_w,
           " and ", stride_h, " x ", stride_w);
    expect(pad_h >= 0 && pad_w >= 0 && pad_h < window_h && pad_w < window_w,
           "padding must lie in 0..", window_h - 1, ", smaller than the window, got ", pad_h, " x ",
           pad_w);
    pooling.mode = mode;
    pooling.window = window_h, pooling.stride = stride_h;
    pooling.pad_h = pad_h, pooling.pad_w = pad_w;
  });
}

}  // namespace

void add_cudnn_descriptors(cudnn::Api& api) {
  api.cudnnCreateTensorDescriptor = create_tensor;
  api.cudnnDestroyTensorDescriptor = destroy_tensor;
  api.cudnnSetTensor4dDescriptor = set_tensor;
  api.cudnnCreateFilterDescriptor = create_filter;
  api.cudnnDestroyFilterDescriptor = destroy_filter;
  api.cudnnSetFilter4dDescriptor = set_filter;
  api.cudnnCreateConvolutionDescriptor = create_convolution;
  api.cudnnDestroyConvolutionDescriptor = destroy_convolution;
  api.cudnnSetConvolution2dDescriptor = set_convolution;
  api.cudnnSetConvolutionGroupCount = set_groups;
  api.cudnnSetConvolutionMathType = set_math;
  api.cudnnCreateActivationDescriptor = create_activation;
  api.cudnnDestroyActivationDescriptor = destroy_activation;
  api.cudnnSetActivationDescriptor = set_activation;
  api.cudnnCreateLRNDescriptor = create_lrn;
  api.cudnnDestroyLRNDescriptor = destroy_lrn;
  api.cudnnSetLRNDescriptor = set_lrn;
  api.cudnnCreatePoolingDescriptor = create_pooling;
  api.cudnnDestroyPoolingDescriptor = destroy_pooling;
  api.cudnnSetPooling2dDescriptor = set_pooling;
}

}  // namespace alx::cudasim
