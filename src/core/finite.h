// Numbers that are none.
#pragma once
#include <cstddef>

namespace alx {

// The place of the first value that is infinite or not-a-number; `count` where there is none. As
// fast as memory is read.
size_t first_not_finite(const float* values, size_t count);

// Copies them, up to the block that holds the first that is not, whose place it returns, or
// `count`.
size_t copy_finite(const float* values, size_t count, float* to);

}  // namespace alx
