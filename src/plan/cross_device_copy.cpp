#include "plan/cross_device_copy.h"

namespace alx {
namespace {

class CrossDeviceCopy : public Kernel {
 public:
  CrossDeviceCopy(std::shared_ptr<Backend> from, std::shared_ptr<Backend> to,
                  const TensorDesc& value, bool grad)
      : from_(std::move(from)), to_(std::move(to)) {
    const DataType type = value.type == DataType::i32 ? DataType::i32 : DataType::f32;
    const TensorDesc dense{value.shape, type, nullptr};
    spec_.inputs = spec_.outputs = {dense};
    if (grad) spec_.input_grads = spec_.output_grads = {dense};
    spec_.reads_late = true;
    spec_.implementation = from_->name() + " -> " + to_->name();
  }
  void bind(const Binding& binding) override { memory_ = binding; }
  void forward() override {
    to_->copy_from(*from_, memory_.inputs[0], memory_.outputs[0], spec_.inputs[0].bytes());
  }
  void backward() override {
    if (!spec_.input_grads.empty())
      from_->copy_from(*to_, memory_.output_grads[0], memory_.input_grads[0],
                       spec_.inputs[0].bytes());
  }

 private:
  std::shared_ptr<Backend> from_, to_;
  Binding memory_;
};

}  // namespace

std::unique_ptr<Kernel> make_cross_device_copy(std::shared_ptr<Backend> from,
                                               std::shared_ptr<Backend> to, const TensorDesc& value,
                                               bool grad) {
  return std::make_unique<CrossDeviceCopy>(std::move(from), std::move(to), value, grad);
}

}  // namespace alx
