#include "backends/cudnn/kernel.h"

namespace alx::cudnn {
namespace {

// In f32 whatever the precision around it.
class SoftmaxKernel : public DeviceKernel {
 public:
  SoftmaxKernel(const Softmax& op, const Context& context)
      : DeviceKernel(op, context, DataType::f32), desc_(*device_, out_shape(), type_) {
    spec_.in_place = spec_.grad_in_place = true;
    spec_.backward_reads_outputs = training_;
  }

  void run_forward() override {
    device_->call<&Api::cudnnSoftmaxForward>(device_->cudnn(), CUDNN_SOFTMAX_ACCURATE,
                                             CUDNN_SOFTMAX_MODE_CHANNEL, &one, desc_,
                                             memory_.inputs[0], &zero, desc_, memory_.outputs[0]);
  }
  void run_backward() override {
    if (!wants_grad()) return;
    device_->call<&Api::cudnnSoftmaxBackward>(
        device_->cudnn(), CUDNN_SOFTMAX_ACCURATE, CUDNN_SOFTMAX_MODE_CHANNEL, &one, desc_,
        memory_.outputs[0], desc_, memory_.output_grads[0], &zero, desc_, memory_.input_grads[0]);
  }

 private:
  TensorDescriptor desc_;
};

class SoftmaxLossKernel : public DeviceKernel {
 public:
  SoftmaxLossKernel(const SoftmaxLoss& op, const Context& context)
      : DeviceKernel(op, context, DataType::f32),
        smoothing_(op.smoothing),
        class_weights_(op.class_weights),
        weights_{nullptr, op.mean_weight()},
        images_(static_cast<size_t>(in_shape()[0])),
        classes_(static_cast<size_t>(in_shape()[1])),
        desc_(*device_, in_shape(), type_) {
    spec_.inputs[1].type = DataType::i32;
    spec_.in_place = true;
    spec_.forward_workspace = count() * sizeof(float);  // logarithms of the probabilities
    if (!training_) return;
    spec_.input_grads[1] = {};
    spec_.output_grads = {{}, {}};  // it starts from the loss itself
    spec_.backward_reads_outputs = true;
    spec_.state = images_ * sizeof(int32_t);  // the labels
  }

  void bind(const Binding& binding) override {
    DeviceKernel::bind(binding);
    if (class_weights_.empty()) return;
    on_device_ = device_->allocate(class_weights_.size() * sizeof(float));
    device_->upload(class_weights_.data(), on_device_->data(), class_weights_.size(),
                    DataType::f32);
    weights_.each = static_cast<const float*>(on_device_->data());
  }

  void run_forward() override {
    auto* logarithms = static_cast<float*>(memory_.forward_workspace);
    const auto* labels = static_cast<const int32_t*>(memory_.inputs[1]);
    device_->call<&Api::cudnnSoftmaxForward>(device_->cudnn(), CUDNN_SOFTMAX_LOG,
                                             CUDNN_SOFTMAX_MODE_CHANNEL, &one, desc_,
                                             memory_.inputs[0], &zero, desc_, logarithms);
    device_->launch(Exponential{logarithms, static_cast<float*>(memory_.outputs[0]), count()});
    device_->launch(Loss{logarithms, labels, static_cast<float*>(memory_.outputs[1]), weights_,
                         smoothing_, classes_, images_});
    if (training_) device_->copy(memory_.state, labels, spec_.state);
  }

  void run_backward() override {
    if (!wants_grad()) return;
    device_->launch(LossGrad{static_cast<const float*>(memory_.outputs[0]),
                             static_cast<const int32_t*>(memory_.state),
                             static_cast<float*>(memory_.input_grads[0]), step_, weights_,
                             smoothing_, classes_, count()});
  }

 private:
  float smoothing_;
  std::vector<float> class_weights_;
  ClassWeights weights_;  // on the device
  std::shared_ptr<Buffer> on_device_;
  size_t images_, classes_;
  TensorDescriptor desc_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Softmax& op, const Context& context) {
  return std::make_unique<SoftmaxKernel>(op, context);
}

std::unique_ptr<Kernel> make(const SoftmaxLoss& op, const Context& context) {
  return std::make_unique<SoftmaxLossKernel>(op, context);
}

}  // namespace alx::cudnn
