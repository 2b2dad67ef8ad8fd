// Ops that move elements without changing them, and their sum.
#include <cstring>

#include "backends/reference/kernel.h"
#include "core/error.h"

namespace alx::reference {
namespace {

// In the order of the parts.
void add(const std::vector<void*>& parts, int64_t count, float* total) {
  for (int64_t i = 0; i < count; ++i) {
    double sum = 0;
    for (size_t part = 0; part < parts.size(); ++part) {
      const double value = static_cast<const float*>(parts[part])[i];
      sum = part == 0 ? value : sum + value;  // the sign of a zero stays
    }
    total[i] = static_cast<float>(sum);
  }
}

// Output i is the input's own memory; the gradient of the input is the sum of the outputs', in
// their order.
class SplitKernel : public ReferenceKernel {
 public:
  SplitKernel(const Op& op, const CompileRequest& request) : ReferenceKernel(op, request) {
    spec_.alias = spec_.grad_in_place = true;
    for (auto* list : {&spec_.inputs, &spec_.outputs})
      // labels pass through as they are
      for (TensorDesc& desc : *list) desc.type = request.inputs[0].type;
  }

  void forward() override {}

  void backward() override {
    if (wants_grad()) add(memory_.output_grads, element_count(in_shape()), input_grad());
  }
};

class AddKernel : public ReferenceKernel {
 public:
  using ReferenceKernel::ReferenceKernel;
  void forward() override { add(memory_.inputs, element_count(out_shape()), output()); }
  void backward() override {
    for (size_t i = 0; i < spec_.inputs.size(); ++i)
      if (wants_grad(i)) std::copy_n(output_grad(), element_count(out_shape()), input_grad(i));
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
  void forward() override {
    if (memory_.outputs[0] != memory_.inputs[0])
      std::memcpy(memory_.outputs[0], memory_.inputs[0], spec_.inputs[0].bytes());
  }
  void backward() override {}

 private:
  Binding memory_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Add& op, const CompileRequest& request) {
  return std::make_unique<AddKernel>(op, request);
}

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
  const auto layout = [](const TensorDesc& desc) {
    return desc.layout ? desc.layout->name() : std::string("dense");
  };
  check(from.same_memory(to) && !from.layout, Code::unsupported,
        "the reference backend knows dense tensors alone and cannot turn ", name_of(from.type), " ",
        to_string(from.shape), " ", layout(from), " into ", name_of(to.type), " ",
        to_string(to.shape), " ", layout(to));
  return std::make_unique<ReorderKernel>(from);
}

}  // namespace alx::reference
