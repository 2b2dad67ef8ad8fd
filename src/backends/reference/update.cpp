#include "backends/reference/kernel.h"

namespace alx::reference {

void update(const SgdUpdate& sgd, const StepContext& step) {
  auto *weight = static_cast<float*>(sgd.weight), *velocity = static_cast<float*>(sgd.velocity);
  const auto* grad = static_cast<const float*>(sgd.grad);
  const double rate = step.rate * sgd.rate_factor, momentum = sgd.momentum, decay = sgd.decay;
  const double scale = 1 / step.loss_scale;
  for (size_t i = 0; i < sgd.count; ++i) {
    const double slope = grad[i] * scale + decay * weight[i];
    if (sgd.rate_in_velocity) {
      velocity[i] = static_cast<float>(momentum * velocity[i] - rate * slope);
      weight[i] += velocity[i];
    } else {
      velocity[i] = static_cast<float>(momentum * velocity[i] + slope);
      weight[i] = static_cast<float>(weight[i] - rate * velocity[i]);
    }
  }
}

}  // namespace alx::reference
