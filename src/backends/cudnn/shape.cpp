// Ops that move elements without changing them, and their sum.
#include "backends/cudnn/kernel.h"
#include "core/error.h"

namespace alx::cudnn {
namespace {

// In the order of the parts; `total` is none of them, or the only one.
void add(Device& device, const std::vector<void*>& parts, void* total, DataType type, size_t count) {
  if (parts.size() == 1 && parts[0] == total) return;
  Sum sum{{}, total, 0, type, count};
  for (size_t way = 0; way < parts.size();) {
    sum.ways = 0;
    if (way > 0) sum.parts[sum.ways++] = total;
    while (way < parts.size() && sum.ways < Sum::most) sum.parts[sum.ways++] = parts[way++];
    device.launch(sum);
  }
}

// Output i is the input's own memory; the gradient of the input is the sum of the outputs', in their order.
class SplitKernel : public DeviceKernel {
 public:
  SplitKernel(const Op& op, const Context& context) : DeviceKernel(op, context, context.request.inputs[0].type) {
    spec_.alias = spec_.grad_in_place = true;
    spec_.implementation = "own";
  }

  void run_forward() override {}

  void run_backward() override {
    if (wants_grad()) add(*device_, memory_.output_grads, memory_.input_grads[0], type_, count());
  }
};

class AddKernel : public DeviceKernel {
 public:
  AddKernel(const Op& op, const Context& context) : DeviceKernel(op, context, context.type()) {
    spec_.implementation = "own";
  }

  void run_forward() override { add(*device_, memory_.inputs, memory_.outputs[0], type_, count()); }
  void run_backward() override {
    for (size_t i = 0; i < spec_.inputs.size(); ++i)
      if (wants_grad(i))
        device_->call<&Api::cudaMemcpyAsync>(memory_.input_grads[i], memory_.output_grads[0], spec_.outputs[0].bytes(),
                                             cudaMemcpyDeviceToDevice, device_->compute());
  }
};

class ReorderKernel : public Kernel {
 public:
  ReorderKernel(std::shared_ptr<Device> device, const TensorDesc& from, const TensorDesc& to)
      : device_(std::move(device)) {
    spec_.inputs = {from};
    spec_.outputs = {to};
    spec_.implementation = "own";
  }
  void bind(const Binding& binding) override { memory_ = binding; }
  void forward() override {
    device_->use();
    device_->launch(Convert{memory_.inputs[0], memory_.outputs[0], spec_.inputs[0].type, spec_.outputs[0].type,
                            static_cast<size_t>(element_count(spec_.inputs[0].shape))});
  }
  void backward() override {}

 private:
  std::shared_ptr<Device> device_;
  Binding memory_;
};

}  // namespace

std::unique_ptr<Kernel> make_alias(const Op& op, const Context& context) {
  return std::make_unique<SplitKernel>(op, context);
}
std::unique_ptr<Kernel> make(const Add& op, const Context& context) { return std::make_unique<AddKernel>(op, context); }
std::unique_ptr<Kernel> make(const Flatten& op, const Context& context) { return make_alias(op, context); }
std::unique_ptr<Kernel> make(const Split& op, const Context& context) { return make_alias(op, context); }
std::unique_ptr<Kernel> make(const Copy& op, const Context& context) { return make_alias(op, context); }

std::unique_ptr<Kernel> make_reorder(const std::shared_ptr<Device>& device, const TensorDesc& from,
                                     const TensorDesc& to) {
  const auto floating = [](DataType t) { return t == DataType::f32 || t == DataType::f16 || t == DataType::bf16; };
  check(from.shape == to.shape && floating(from.type) && floating(to.type) && !from.layout && !to.layout,
        Code::internal, "no way to turn ", name_of(from.type), " ", to_string(from.shape), " into ", name_of(to.type),
        " ", to_string(to.shape), " on a GPU");
  return std::make_unique<ReorderKernel>(device, from, to);
}

}  // namespace alx::cudnn
