#include <algorithm>

#include "backends/onednn/kernels.h"

namespace alx::onednn {

void update(const SgdUpdate& sgd, const StepContext& step, int threads) {
  auto *weight = static_cast<float*>(sgd.weight), *velocity = static_cast<float*>(sgd.velocity);
  const auto* grad = static_cast<const float*>(sgd.grad);
  const auto count = static_cast<std::ptrdiff_t>(sgd.count);
  const float rate = step.rate * sgd.rate_factor, momentum = sgd.momentum, decay = sgd.decay;
  const float scale = 1 / step.loss_scale;
  if (sgd.rate_in_velocity) {
#pragma omp parallel for simd num_threads(threads) schedule(static)
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      velocity[i] = momentum * velocity[i] - rate * (scale * grad[i] + decay * weight[i]);
      weight[i] += velocity[i];
    }
  } else {
#pragma omp parallel for simd num_threads(threads) schedule(static)
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      velocity[i] = momentum * velocity[i] + (scale * grad[i] + decay * weight[i]);
      weight[i] -= rate * velocity[i];
    }
  }
}

}  // namespace alx::onednn
