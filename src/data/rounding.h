// Where a centre crop starts.
#pragma once
#include <cstdint>

namespace alx {

// n / 2 rounded half to even, n >= 0: how Python rounds, and with it torchvision.
constexpr int64_t half_to_even(int64_t n) { return n / 2 + (n % 4 == 3 ? 1 : 0); }

// Offset of a centre crop of `window` in a side at least as long.
constexpr int64_t center_offset(int64_t side, int64_t window) { return half_to_even(side - window); }

}  // namespace alx
