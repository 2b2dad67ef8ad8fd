#include "backends/reference/kernel.h"

namespace alx::reference {
namespace {

// Works on its output alone, so that it may take the place of its input.
class ActivationKernel : public ReferenceKernel {
 public:
  ActivationKernel(const Op& op, Activation activation, const CompileRequest& request)
      : ReferenceKernel(op, request), activation_(activation), count_(element_count(in_shape())) {
    spec_.in_place = spec_.grad_in_place = true;
    spec_.backward_reads_outputs = training_;
  }

  void forward() override {
    for (int64_t i = 0; i < count_; ++i)
      output()[i] = static_cast<float>(activate(activation_, input()[i]));
  }

  void backward() override {
    if (!wants_grad()) return;
    for (int64_t i = 0; i < count_; ++i)
      input_grad()[i] =
          static_cast<float>(output_grad()[i] * activation_derivative(activation_, output()[i]));
  }

 private:
  Activation activation_;
  int64_t count_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Relu& op, const CompileRequest& request) {
  return std::make_unique<ActivationKernel>(op, Activation::relu, request);
}

std::unique_ptr<Kernel> make(const Tanh& op, const CompileRequest& request) {
  return std::make_unique<ActivationKernel>(op, Activation::tanh, request);
}

}  // namespace alx::reference
