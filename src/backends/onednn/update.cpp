#include <algorithm>

#include "backends/onednn/kernels.h"
#include "backends/onednn/parallel_for.h"

namespace alx::onednn {
namespace {

template <class Rule>
void update(const Rule rule, const Update& u, float rate, float scale, int64_t first,
            int64_t last) {
  auto* weight = static_cast<float*>(u.weight);
  const auto* grad = static_cast<const float*>(u.grad);
  const std::array<float*, most_states> state = u.state;
#pragma omp simd
  for (int64_t i = first; i < last; ++i)
    rule.update(rate, grad[i] * scale, weight[i], state.data(), static_cast<size_t>(i));
}

}  // namespace

void update(const Update& u, const StepContext& step) {
  const float rate = step.rate * u.rate_factor, scale = 1 / step.loss_scale;
  constexpr int64_t part = 1 << 14;
  const auto count = static_cast<int64_t>(u.count);
  std::visit(
      [&](const auto& rule) {
        parallel_for((count + part - 1) / part, [&](int64_t i) {
          update(rule, u, rate, scale, i * part, std::min(count, (i + 1) * part));
        });
      },
      u.rule);
}

}  // namespace alx::onednn
