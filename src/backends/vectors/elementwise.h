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
// Of one picture's classes; p may be x. All are not-a-number where one is, or where one is
// infinite.
void softmax(Target target, const float* x, float* p, int64_t classes);
void add(Target target, const float* x, float* sum, int64_t count);  // sum += x

// Of a matrix.
struct Rows {
  int64_t count, columns, apart;  // apart: floats from one row to the next
};
void add_rows(Target target, const float* x, const Rows& rows, float* sum);  // in their order
// y = activation(y + bias), the same bias for each row.
void add_bias(Target target, Activation activation, const float* bias, const Rows& rows, float* y);

}  // namespace alx::vectors
