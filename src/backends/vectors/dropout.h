// Dropout of f32 (Dropout in graph/ops.h).
#pragma once
#include <cstdint>

#include "backends/vectors/target.h"
#include "core/random.h"

namespace alx::vectors {

// Elements beside each other in memory, of which the k-th draws number first + k * step.
struct Draws {
  uint64_t first, step;
};
// to = from * scale where the draw is at least `drop`, else 0; `to` may be `from`.
void dropout(Target target, const Random& random, Draws draws, float drop, float scale,
             const float* from, float* to, int64_t count);
void multiply_by(Target target, float scale, const float* from, float* to, int64_t count);

}  // namespace alx::vectors
