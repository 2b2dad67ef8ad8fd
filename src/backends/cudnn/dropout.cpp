#include "backends/cudnn/kernel.h"

namespace alx::cudnn {
namespace {

// The mask is a pure function of seed, name, step and index: backward draws it again.
class DropoutKernel : public DeviceKernel {
 public:
  DropoutKernel(const Dropout& op, const Context& context)
      : DeviceKernel(op, context, context.type()),
        drop_(training_ ? op.drop : 0),
        scale_(scale(op, training_)),
        stream_(hash_name(context.request.layer.layer)),
        first_(static_cast<uint64_t>(context.request.layer.first)),
        whole_(static_cast<uint64_t>(context.request.layer.whole)),
        images_before_(context.request.layer.images * in_shape()[0]) {
    spec_.in_place = spec_.grad_in_place = true;
    spec_.alias = op.inverted && !training_;
    spec_.implementation = "own";
  }

  void run_forward() override {
    if (!spec_.alias) apply(memory_.inputs[0], memory_.outputs[0]);
  }
  void run_backward() override {
    if (wants_grad()) apply(memory_.output_grads[0], memory_.input_grads[0]);
  }

 private:
  static float scale(const Dropout& op, bool training) {
    if (op.inverted) return training ? 1 / (1 - op.drop) : 1;
    return training ? 1 : 1 - op.drop;
  }
  void apply(const void* from, void* to) const {
    const uint64_t row = count() / static_cast<size_t>(out_shape()[0]);
    device_->launch(DropoutMask{from, to, type_, step_, drop_, scale_, stream_, row, first_, whole_,
                                images_before_, count()});
  }

  float drop_, scale_;
  uint64_t stream_, first_, whole_;
  int64_t images_before_;  // of the batch, seen by other parts of the layer
};

}  // namespace

std::unique_ptr<Kernel> make(const Dropout& op, const Context& context) {
  return std::make_unique<DropoutKernel>(op, context);
}

}  // namespace alx::cudnn
