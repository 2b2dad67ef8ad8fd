// The rules by which a training step changes a parameter, as plain structs like the ops. A rule
// names the tensors that it keeps from step to step and says what becomes of one element; each
// backend loops over that. Also compiled for GPUs.
#pragma once
#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <variant>

namespace alx {

// Momentum SGD with weight decay, the paper's section 5: v = m v - rate (g + decay w), w += v.
// Torch's form has the rate outside the velocity: v = m v + g + decay w, w -= rate v.
struct Sgd {
  static constexpr const char* states[] = {"velocity"};
  float momentum = 0.9f, decay = 5e-4f;
  bool rate_in_velocity = true;

  // Element i; computes in Real. `grad` without the loss scale, `state` in the order of `states`.
  template <class Real>
  constexpr void update(Real rate, Real grad, float& weight, float* const* state, size_t i) const {
    float& velocity = state[0][i];
    const Real gradient = grad + static_cast<Real>(decay) * static_cast<Real>(weight);
    const Real kept = static_cast<Real>(momentum) * static_cast<Real>(velocity);
    velocity = static_cast<float>(rate_in_velocity ? kept - rate * gradient : kept + gradient);
    const Real change =
        rate_in_velocity ? static_cast<Real>(velocity) : -(rate * static_cast<Real>(velocity));
    weight = static_cast<float>(static_cast<Real>(weight) + change);
  }
};

using UpdateRule = std::variant<Sgd>;

template <class... Rules>
constexpr size_t most_states_of(const std::variant<Rules...>*) {
  return std::max({std::size(Rules::states)...});
}
constexpr size_t most_states = most_states_of(static_cast<const UpdateRule*>(nullptr));

}  // namespace alx
