// Resizing to a part of the result, and where a centre crop starts.
#pragma once
#include <cstdint>

#include "data/image.h"

namespace alx {

// Columns and rows of a resized picture that are wanted: begin and count, and the size of the
// whole.
struct Extent {
  int64_t whole, begin, count;
};

// The wanted part of `image` resized to horizontal.whole x vertical.whole: equal to resize() and
// then crop().
Image resize_part(const Image& image, const Extent& horizontal, const Extent& vertical,
                  bool antialias);

// Length of the long side where the short one becomes `size`: torchvision's rounding. Throws where
// `image` is empty.
int64_t long_side(const Image& image, int64_t size);

// n / 2 rounded half to even, n >= 0: how Python rounds, and with it torchvision.
constexpr int64_t half_to_even(int64_t n) { return n / 2 + (n % 4 == 3 ? 1 : 0); }

// Offset of a centre crop of `window` in a side at least as long.
constexpr int64_t center_offset(int64_t side, int64_t window) {
  return half_to_even(side - window);
}

}  // namespace alx
