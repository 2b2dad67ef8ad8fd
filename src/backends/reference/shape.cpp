// Ops that move elements without changing them.
#include <cstring>

#include "backends/reference/kernel.h"
#include "core/error.h"

namespace alx::reference {
namespace {

// Output i is the input's own memory; the gradient of the input is the sum of the outputs', in their order.
class SplitKernel : public ReferenceKernel {
 public:
  SplitKernel(const Op& op, const CompileRequest& request) : ReferenceKernel(op, request) {
    spec_.alias = spec_.grad_in_place = true;
    for (auto* list : {&spec_.inputs, &spec_.outputs})
      for (TensorDesc& desc : *list) desc.type = request.inputs[0].type;  // labels pass through as they are
  }

  void forward(const StepContext&) override {}

  void backward(const StepContext&) override {
    if (!wants_grad()) return;
    const int64_t count = element_count(in_shape());
    for (int64_t i = 0; i < count; ++i) {
      double sum = output_grad()[i];
      for (size_t way = 1; way < spec_.outputs.size(); ++way) sum += output_grad(way)[i];
      input_grad()[i] = static_cast<float>(sum);
    }
  }
};

class ReorderKernel : public Kernel {
 public:
  explicit ReorderKernel(const TensorDesc& desc) {
    spec_.inputs = spec_.outputs = {desc};
    spec_.in_place = true;
    spec_.implementation = "copy";
  }
  void bind(const Binding& binding) override { memory_ = binding; }
  void forward(const StepContext&) override {
    if (memory_.outputs[0] != memory_.inputs[0])
      std::memcpy(memory_.outputs[0], memory_.inputs[0], spec_.inputs[0].bytes());
  }
  void backward(const StepContext&) override {}

 private:
  Binding memory_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Flatten& op, const CompileRequest& request) {
  return std::make_unique<SplitKernel>(op, request);
}

std::unique_ptr<Kernel> make(const Split& op, const CompileRequest& request) {
  return std::make_unique<SplitKernel>(op, request);
}

std::unique_ptr<Kernel> make(const Copy& op, const CompileRequest& request) {
  return std::make_unique<SplitKernel>(op, request);
}

std::unique_ptr<Kernel> make_reorder(const TensorDesc& from, const TensorDesc& to) {
  const auto layout = [](const TensorDesc& desc) { return desc.layout ? desc.layout->name() : std::string("dense"); };
  check(from.same_memory(to) && !from.layout, Code::unsupported,
        "the reference backend knows dense tensors alone and cannot turn ", name_of(from.type), " ",
        to_string(from.shape), " ", layout(from), " into ", name_of(to.type), " ", to_string(to.shape), " ",
        layout(to));
  return std::make_unique<ReorderKernel>(from);
}

}  // namespace alx::reference
