#include "backends/reference/kernel.h"

namespace alx::reference {
namespace {

class LinearKernel : public ReferenceKernel {
  // Rows of as many elements as the input has.
  auto store_to(float* to) const {
    return [to, in = in_](int64_t row, int64_t i, double sum) {
      to[row * in + i] = static_cast<float>(sum);
    };
  }

 public:
  LinearKernel(const Linear& op, const CompileRequest& request)
      : ReferenceKernel(op, request),
        activation_(op.activation),
        images_(in_shape()[0]),
        in_(spec_.params[0].shape[1]),
        out_(op.out) {
    spec_.forward_workspace = weight_scratch();
    if (!training_) return;
    spec_.backward_workspace = static_cast<size_t>(images_ * out_) * sizeof(float);
    spec_.backward_reads_inputs = true;
    spec_.backward_reads_outputs = activation_ != Activation::none;
  }

  void forward() override {
    const float* rows = weight(memory_.forward_workspace);
    for (int64_t o = 0; o < out_; ++o)
      for (int64_t n = 0; n < images_; ++n)
        output()[n * out_ + o] = static_cast<float>(
            activate(activation_, dot(input() + n * in_, rows + o * in_, in_) + param(1)[o]));
  }

  void backward() override {
    auto* grad = static_cast<float*>(memory_.backward_workspace);
    for (int64_t i = 0; i < images_ * out_; ++i)
      grad[i] = static_cast<float>(activation_ == Activation::none
                                       ? output_grad()[i]
                                       : output_grad()[i] *
                                             activation_derivative(activation_, output()[i]));
    for (int64_t o = 0; o < out_; ++o) {
      double sum = 0;
      for (int64_t n = 0; n < images_; ++n) sum += grad[n * out_ + o];
      param_grad(1)[o] = static_cast<float>(sum);
    }
    multiply(out_, in_, images_, grad, 1, out_, input(), store_to(param_grad(0)));
    if (wants_grad()) multiply(images_, in_, out_, grad, out_, 1, param(0), store_to(input_grad()));
  }

 private:
  Activation activation_;
  int64_t images_, in_, out_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Linear& op, const CompileRequest& request) {
  return std::make_unique<LinearKernel>(op, request);
}

}  // namespace alx::reference
