// What is done to each element of f32 by itself.
#pragma once
#include <cstdint>

#include "backends/vectors/target.h"
#include "graph/ops.h"

namespace alx::vectors {

// y may be x. Not-a-number stays.
void activate(Target target, Activation activation, const float* x, float* y, int64_t count);
// dx from dy and the output y; dx may be dy.
void activation_gradient(Target target, Activation activation, const float* y, const float* dy,
                         float* dx, int64_t count);
void add(Target target, const float* x, float* sum, int64_t count);  // sum += x
// y = activation(x + bias)
void add_bias(Target target, Activation activation, const float* x, const float* bias, float* y,
              int64_t count);

}  // namespace alx::vectors
