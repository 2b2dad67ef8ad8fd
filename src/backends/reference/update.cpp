#include "backends/reference/kernel.h"

namespace alx::reference {

void update(const Update& u, const StepContext& step) {
  auto* weight = static_cast<float*>(u.weight);
  const auto* grad = static_cast<const float*>(u.grad);
  const double rate = step.rate * u.rate_factor, scale = 1 / step.loss_scale;
  std::visit(
      [&](const auto& rule) {
        for (size_t i = 0; i < u.count; ++i)
          rule.update(rate, grad[i] * scale, weight[i], u.state.data(), i);
      },
      u.rule);
}

}  // namespace alx::reference
