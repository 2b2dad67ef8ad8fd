// One op of the reference backend on floats: where the stand-ins take their numbers from.
#pragma once
#include <memory>
#include <vector>

#include "backends/reference/reference.h"

namespace alx::cudasim {

// Everything starts as zeros. Write to the elements; the vectors must keep their memory, to which
// the kernel is bound.
class Oracle {
 public:
  Oracle(const Op& op, const Shape& input, Phase phase = Phase::inference, bool input_grad = true)
      : kernel_(reference_kernel(op, request(input, phase, input_grad))) {
    const KernelSpec& spec = kernel_->spec();
    const auto size = [](const TensorDesc& desc) {
      return static_cast<size_t>(element_count(desc.shape));
    };
    x.resize(size(spec.inputs[0]));
    y.resize(size(spec.outputs[0]));
    forward_workspace_.resize(spec.forward_workspace / sizeof(double) + 1);
    Binding binding;
    binding.inputs = {x.data()};
    binding.outputs = {y.data()};
    for (const TensorDesc& desc : spec.params) params.emplace_back(size(desc));
    for (auto& param : params) binding.params.push_back(param.data());
    binding.forward_workspace = forward_workspace_.data();
    if (phase == Phase::training) {
      dx.resize(x.size());
      dy.resize(y.size());
      param_grads = params;
      backward_workspace_.resize(spec.backward_workspace / sizeof(double) + 1);
      state_.resize(spec.state / sizeof(double) + 1);
      binding.input_grads = {dx.data()};
      binding.output_grads = {dy.data()};
      for (auto& grad : param_grads) binding.param_grads.push_back(grad.data());
      binding.backward_workspace = backward_workspace_.data();
      binding.state = state_.data();
    }
    kernel_->bind(binding);
  }
  Oracle(const Oracle&) = delete;
  Oracle& operator=(const Oracle&) = delete;

  void forward() { kernel_->forward(); }
  void backward() { kernel_->backward(); }

  std::vector<float> x, y, dx, dy;
  std::vector<std::vector<float>> params, param_grads;

 private:
  static CompileRequest request(const Shape& input, Phase phase, bool input_grad) {
    CompileRequest request;
    request.name = "oracle";
    request.inputs = {{input, DataType::f32, nullptr}};
    request.input_grads = {input_grad};
    request.phase = phase;
    return request;
  }

  std::unique_ptr<Kernel> kernel_;
  std::vector<double> forward_workspace_, backward_workspace_, state_;  // doubles: aligned for all
};

}  // namespace alx::cudasim
