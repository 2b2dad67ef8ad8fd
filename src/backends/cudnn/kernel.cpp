#include "backends/cudnn/kernel.h"

#include "backends/dense_spec.h"
#include "core/error.h"

namespace alx::cudnn {

DeviceKernel::DeviceKernel(const Op& op, const Context& context, DataType type)
    : device_(context.device), type_(type), training_(context.training()) {
  spec_ = dense_spec(op, context.request, type, training_ ? DataType::f32 : type);
  spec_.implementation = "cudnn";
}

const void* DeviceKernel::convert_weight() const {
  if (converts_params())
    device_->launch(Convert{memory_.params[0], memory_.state, DataType::f32, type_,
                            static_cast<size_t>(element_count(spec_.params[0].shape))});
  return weight();
}

void DeviceKernel::pad(const void* from, const Shape& from_shape, void* to, const Shape& to_shape, const Pad& pad,
                       float fill) const {
  device_->launch(Window{from, to, type_, from_shape[2], from_shape[3], to_shape[2], to_shape[3], pad.top, pad.left,
                         fill, static_cast<size_t>(element_count(to_shape))});
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
    : handle_(device.api(), device.index()) {
  const cudnnActivationMode_t mode = activation == Activation::relu   ? CUDNN_ACTIVATION_RELU
                                     : activation == Activation::tanh ? CUDNN_ACTIVATION_TANH
                                                                      : CUDNN_ACTIVATION_IDENTITY;
  device.call<&Api::cudnnSetActivationDescriptor>(static_cast<cudnnActivationDescriptor_t>(handle_), mode,
                                                  CUDNN_PROPAGATE_NAN, 0.0);
}

TensorDescriptor::TensorDescriptor(const Device& device, const Shape& shape, DataType type)
    : handle_(device.api(), device.index()) {
  int dims[4] = {1, 1, 1, 1};
  check(shape.size() <= 4, Code::internal, "a tensor of ", shape.size(), " dimensions for cuDNN");
  const int64_t elements = element_count(shape), row = elements / shape[0];
  check(elements <= INT32_MAX, Code::unsupported, "a tensor of ", to_string(shape), " has ", elements,
        " elements, cuDNN takes at most ", INT32_MAX,
        row <= INT32_MAX ? cat(": take a batch of at most ", INT32_MAX / row) : std::string());
  for (size_t i = 0; i < shape.size(); ++i) dims[i] = static_cast<int>(shape[i]);
  device.call<&Api::cudnnSetTensor4dDescriptor>(static_cast<cudnnTensorDescriptor_t>(handle_), CUDNN_TENSOR_NCHW,
                                                type_of(type), dims[0], dims[1], dims[2], dims[3]);
}

void activation_backward(Device& device, cudnnActivationDescriptor_t activation, cudnnTensorDescriptor_t desc,
                         const void* y, const void* dy, void* dx) {
  // The derivatives of ReLU and tanh can be told from y, so y stands for x, which may be overwritten.
  device.call<&Api::cudnnActivationBackward>(device.cudnn(), activation, &one, desc, y, desc, dy, desc, y, &zero, desc,
                                             dx);
}

}  // namespace alx::cudnn
