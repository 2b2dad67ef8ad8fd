// Between f32 and its halves, f16 and bf16, rounded to the nearest, ties to even.
#pragma once
#include <cstdint>

#include "backends/vectors/target.h"
#include "graph/tensor.h"

namespace alx::vectors {

void to_f32(Target target, DataType type, const void* half, float* to, int64_t count);
void from_f32(Target target, DataType type, const float* from, void* half, int64_t count);

}  // namespace alx::vectors
