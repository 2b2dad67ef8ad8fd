#include <algorithm>

#include "backends/onednn/kernels.h"
#include "backends/onednn/parallel_for.h"

namespace alx::onednn {
namespace {

struct Numbers {
  float rate, momentum, decay, scale;
  bool rate_in_velocity;
};

void update(float* weight, float* velocity, const float* grad, std::ptrdiff_t count, Numbers n) {
  if (n.rate_in_velocity) {
#pragma omp simd
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      velocity[i] = n.momentum * velocity[i] - n.rate * (n.scale * grad[i] + n.decay * weight[i]);
      weight[i] += velocity[i];
    }
  } else {
#pragma omp simd
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      velocity[i] = n.momentum * velocity[i] + (n.scale * grad[i] + n.decay * weight[i]);
      weight[i] -= n.rate * velocity[i];
    }
  }
}

}  // namespace

void update(const SgdUpdate& sgd, const StepContext& step) {
  const Numbers numbers{step.rate * sgd.rate_factor, sgd.momentum, sgd.decay, 1 / step.loss_scale,
                        sgd.rate_in_velocity};
  constexpr int64_t part = 1 << 14;
  const auto count = static_cast<int64_t>(sgd.count);
  parallel_for((count + part - 1) / part, [&](int64_t i) {
    const int64_t first = i * part;
    update(static_cast<float*>(sgd.weight) + first, static_cast<float*>(sgd.velocity) + first,
           static_cast<const float*>(sgd.grad) + first, std::min(part, count - first), numbers);
  });
}

}  // namespace alx::onednn
