#include "backends/reference/kernel.h"

namespace alx::reference {
namespace {

class ConcatKernel : public ReferenceKernel {
 public:
  ConcatKernel(const Concat& op, const CompileRequest& request)
      : ReferenceKernel(op, request), images_(op.images ? 1 : out_shape()[0]) {}

  void forward() override {
    each_part([&](size_t i, int64_t part, int64_t whole, int64_t count) {
      std::copy_n(input(i) + part, count, output() + whole);
    });
  }

  void backward() override {
    each_part([&](size_t i, int64_t part, int64_t whole, int64_t count) {
      if (wants_grad(i)) std::copy_n(output_grad() + whole, count, input_grad(i) + part);
    });
  }

 private:
  // visit(input, offset in it, offset in the output, count) for each image of each input.
  template <class Visit>
  void each_part(Visit visit) const {
    const int64_t images = images_, row = element_count(out_shape()) / images;
    int64_t start = 0;
    for (size_t i = 0; i < spec_.inputs.size(); ++i) {
      const int64_t count = element_count(in_shape(i)) / images;
      for (int64_t n = 0; n < images; ++n) visit(i, n * count, n * row + start, count);
      start += count;
    }
  }
  int64_t images_;  // that are joined one by one: along N all of them are one
};

class BatchSliceKernel : public ReferenceKernel {
 public:
  BatchSliceKernel(const BatchSlice& op, const CompileRequest& request)
      : ReferenceKernel(op, request) {
    // labels pass through as they are
    spec_.inputs[0].type = spec_.outputs[0].type = request.inputs[0].type;
    count_ = element_count(out_shape());
    start_ = op.part * count_;
  }
  void forward() override { std::copy_n(input() + start_, count_, output()); }
  void backward() override {
    if (!wants_grad()) return;
    std::fill_n(input_grad(), element_count(in_shape()), 0.0f);
    std::copy_n(output_grad(), count_, input_grad() + start_);
  }

 private:
  int64_t start_ = 0, count_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make(const Concat& op, const CompileRequest& request) {
  return std::make_unique<ConcatKernel>(op, request);
}

std::unique_ptr<Kernel> make(const BatchSlice& op, const CompileRequest& request) {
  return std::make_unique<BatchSliceKernel>(op, request);
}

}  // namespace alx::reference
