#include "backends/reference/kernel.h"

namespace alx::reference {
namespace {

class ConcatKernel : public ReferenceKernel {
 public:
  ConcatKernel(const Concat& op, const CompileRequest& request) : ReferenceKernel(op, request) {}

  void forward(const StepContext&) override {
    each_part([&](size_t i, int64_t part, int64_t whole, int64_t count) {
      std::copy_n(input(i) + part, count, output() + whole);
    });
  }

  void backward(const StepContext&) override {
    each_part([&](size_t i, int64_t part, int64_t whole, int64_t count) {
      if (wants_grad(i)) std::copy_n(output_grad() + whole, count, input_grad(i) + part);
    });
  }

 private:
  // visit(input, offset in it, offset in the output, count) for each image of each input.
  template <class Visit>
  void each_part(Visit visit) const {
    const int64_t images = out_shape()[0], row = element_count(out_shape()) / images;
    int64_t start = 0;
    for (size_t i = 0; i < spec_.inputs.size(); ++i) {
      const int64_t count = element_count(in_shape(i)) / images;
      for (int64_t n = 0; n < images; ++n) visit(i, n * count, n * row + start, count);
      start += count;
    }
  }
};

}  // namespace

std::unique_ptr<Kernel> make(const Concat& op, const CompileRequest& request) {
  return std::make_unique<ConcatKernel>(op, request);
}

}  // namespace alx::reference
