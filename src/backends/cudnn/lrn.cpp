#include "backends/cudnn/kernel.h"

namespace alx::cudnn {
namespace {

class CudnnLrnKernel : public DeviceKernel {
 public:
  CudnnLrnKernel(const Lrn& op, const Context& context)
      : DeviceKernel(op, context, context.type()),
        lrn_(device_->api(), device_->index()),
        desc_(*device_, out_shape(), type_) {
    // cuDNN divides alpha by the size itself.
    device_->call<&Api::cudnnSetLRNDescriptor>(
        lrn_, static_cast<unsigned>(op.size),
        static_cast<double>(op.effective_alpha()) * static_cast<double>(op.size),
        static_cast<double>(op.beta), static_cast<double>(op.k));
    spec_.backward_reads_inputs = spec_.backward_reads_outputs = training_;
  }

  void run_forward() override {
    device_->call<&Api::cudnnLRNCrossChannelForward>(
        device_->cudnn(), lrn_, CUDNN_LRN_CROSS_CHANNEL_DIM1, &one, desc_, memory_.inputs[0], &zero,
        desc_, memory_.outputs[0]);
  }
  void run_backward() override {
    if (!wants_grad()) return;
    device_->call<&Api::cudnnLRNCrossChannelBackward>(
        device_->cudnn(), lrn_, CUDNN_LRN_CROSS_CHANNEL_DIM1, &one, desc_, memory_.outputs[0],
        desc_, memory_.output_grads[0], desc_, memory_.inputs[0], &zero, desc_,
        memory_.input_grads[0]);
  }

 private:
  Handle<cudnnLRNDescriptor_t, &Api::cudnnCreateLRNDescriptor, &Api::cudnnDestroyLRNDescriptor>
      lrn_;
  TensorDescriptor desc_;
};

// Within a channel; over even sizes, whose window cuDNN centres the other way; in bf16, which
// cuDNN's has not; and in fp16, where cuDNN rounds alpha to it and squares of values from 256 on
// may overflow: here sums are in f32.
class OwnLrnKernel : public DeviceKernel {
 public:
  OwnLrnKernel(const Lrn& op, const Context& context)
      : DeviceKernel(op, context, context.type()), shape_{in_shape()[1],
                                                          in_shape()[2],
                                                          in_shape()[3],
                                                          op.size,
                                                          op.region == Lrn::Region::within,
                                                          op.k,
                                                          op.effective_alpha(),
                                                          op.beta} {
    spec_.implementation = "own";
    spec_.forward_workspace = count() * sizeof(float);
    if (!training_) return;
    spec_.backward_workspace = count() * sizeof(float);
    spec_.backward_reads_inputs = true;
  }

  void run_forward() override {
    const float* scale = make_scale(memory_.forward_workspace);
    device_->launch(
        LrnForward{memory_.inputs[0], scale, memory_.outputs[0], type_, shape_.beta, count()});
  }
  void run_backward() override {
    if (!wants_grad()) return;
    const float* scale = make_scale(memory_.backward_workspace);
    device_->launch(LrnBackward{memory_.inputs[0], memory_.output_grads[0], scale,
                                memory_.input_grads[0], type_, shape_, count()});
  }

 private:
  const float* make_scale(void* workspace) const {
    auto* scale = static_cast<float*>(workspace);
    device_->launch(LrnScale{memory_.inputs[0], scale, type_, shape_, count()});
    return scale;
  }
  LrnShape shape_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Lrn& op, const Context& context) {
  const bool by_cudnn =
      op.region == Lrn::Region::across && op.size % 2 == 1 && op.size >= CUDNN_LRN_MIN_N &&
      op.size <= CUDNN_LRN_MAX_N && static_cast<double>(op.k) >= CUDNN_LRN_MIN_K &&
      static_cast<double>(op.beta) >= CUDNN_LRN_MIN_BETA && context.type() == DataType::f32;
  if (by_cudnn) return std::make_unique<CudnnLrnKernel>(op, context);
  return std::make_unique<OwnLrnKernel>(op, context);
}

}  // namespace alx::cudnn
