// What a processor does at most, to hold kernels against.
#pragma once
#include <cstdint>

#include "backends/vectors/target.h"

namespace alx::vectors {

// `rounds` times as many independent multiply-adds as keep the units of one thread busy; returns
// how many operations that were, a multiply-add being two. `value` gets what was computed, so that
// no compiler leaves it out.
int64_t multiply_add(Target target, int64_t rounds, float& value);

// Reads so many floats.
float read(Target target, const float* values, int64_t count);

}  // namespace alx::vectors
