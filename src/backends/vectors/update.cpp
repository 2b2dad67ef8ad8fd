// The rules' own loops (graph/update.h), which compilers turn into vectors for each target.
#include "backends/vectors/update.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/vectors/update.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace alx::vectors::HWY_NAMESPACE {

void update(const Update& u, const StepContext& step, int64_t first, int64_t last) {
  const float rate = step.rate * u.rate_factor, scale = 1 / step.loss_scale;
  std::visit(
      [&](const auto rule) HWY_ATTR {
        auto* weight = static_cast<float*>(u.weight);
        const auto* grad = static_cast<const float*>(u.grad);
        const std::array<float*, most_states> state = u.state;
        for (int64_t i = first; i < last; ++i)
          rule.update(rate, grad[i] * scale, weight[i], state.data(), static_cast<size_t>(i));
      },
      u.rule);
}

}  // namespace alx::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/vectors/dispatch.h"
namespace alx::vectors {

void update(Target target, const Update& u, const StepContext& step, int64_t first, int64_t last) {
  ALX_ON(target, update)(u, step, first, last);
}

}  // namespace alx::vectors
#endif
