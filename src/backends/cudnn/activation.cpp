#include "backends/cudnn/kernel.h"

namespace alx::cudnn {
namespace {

class ActivationKernel : public DeviceKernel {
 public:
  ActivationKernel(const Op& op, Activation activation, const Context& context)
      : DeviceKernel(op, context, context.type()),
        activation_(*device_, activation),
        desc_(*device_, out_shape(), type_) {
    spec_.in_place = spec_.grad_in_place = true;
    spec_.backward_reads_outputs = training_;
  }

  void run_forward() override {
    device_->call<&Api::cudnnActivationForward>(device_->cudnn(), activation_, &one, desc_,
                                                memory_.inputs[0], &zero, desc_,
                                                memory_.outputs[0]);
  }
  void run_backward() override {
    if (!wants_grad()) return;
    activation_backward(*device_, activation_, desc_, memory_.outputs[0], memory_.output_grads[0],
                        memory_.input_grads[0]);
  }

 private:
  ActivationDescriptor activation_;
  TensorDescriptor desc_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Relu& op, const Context& context) {
  return std::make_unique<ActivationKernel>(op, Activation::relu, context);
}

std::unique_ptr<Kernel> make(const Tanh& op, const Context& context) {
  return std::make_unique<ActivationKernel>(op, Activation::tanh, context);
}

}  // namespace alx::cudnn
