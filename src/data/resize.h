// Resizing to a part of the result.
#pragma once
#include <cstdint>

#include "data/image.h"

namespace alx {

// Columns and rows of a resized picture that are wanted: begin and count, and the size of the whole.
struct Extent {
  int64_t whole, begin, count;
};

// The wanted part of `image` resized to horizontal.whole x vertical.whole: equal to resize() and then crop().
Image resize_part(const Image& image, const Extent& horizontal, const Extent& vertical, bool antialias);

// Length of the long side where the short one becomes `size`: torchvision's rounding. Throws where `image` is empty.
int64_t long_side(const Image& image, int64_t size);

}  // namespace alx
