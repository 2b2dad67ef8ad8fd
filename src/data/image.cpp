#include "data/image.h"

#include <algorithm>

#include "core/error.h"
#include "data/container.h"
#include "data/decode.h"
#include "data/read_file.h"

namespace alx {
namespace {

// EXIF's eight orientations: a mirror image from left to right, from top to bottom, and rows made
// columns, in that order.
struct Turn {
  bool mirror, flip, transpose;
};

constexpr Turn turn_of(int orientation) {
  switch (orientation) {
    case 2: return {true, false, false};
    case 3: return {true, true, false};
    case 4: return {false, true, false};
    case 5: return {false, false, true};
    case 6: return {false, true, true};
    case 7: return {true, true, true};
    case 8: return {true, false, true};
    default: return {false, false, false};
  }
}

Image turned(Image image, int orientation) {
  const auto [mirror, flip, transpose] = turn_of(orientation);
  if (!mirror && !flip && !transpose) return image;
  Image out =
      transpose ? black_image(image.height, image.width) : black_image(image.width, image.height);
  uint8_t* to = out.pixels.data();
  for (int64_t y = 0; y < out.height; ++y) {
    for (int64_t x = 0; x < out.width; ++x, to += 3) {
      int64_t from_x = transpose ? y : x, from_y = transpose ? x : y;
      if (mirror) from_x = image.width - 1 - from_x;
      if (flip) from_y = image.height - 1 - from_y;
      std::copy_n(image.pixels.data() + (from_y * image.width + from_x) * 3, 3, to);
    }
  }
  return out;
}

int shrink_for(const ImageInfo& info, int64_t at_least) {
  if (info.kind != ImageKind::jpeg || at_least <= 0) return 1;
  const int64_t side = std::min(info.width, info.height);
  for (int shrink : {8, 4, 2}) {
    if (side / shrink >= at_least) return shrink;
  }
  return 1;
}

}  // namespace

Image decode_image(std::span<const std::byte> encoded, const std::string& what, int64_t at_least,
                   const Limits& limits) {
  const ImageInfo info = inspect_image(encoded, what, limits);
  return turned(decode_pixels(encoded, info, shrink_for(info, at_least), what), info.orientation);
}

Image read_image(const std::string& path, int64_t at_least, const Limits& limits) {
  return decode_image(read_file(path, limits), path, at_least, limits);
}

Image crop(const Image& image, int64_t x, int64_t y, int64_t width, int64_t height) {
  const bool inside = x >= 0 && y >= 0 && width > 0 && height > 0 && width <= image.width &&
                      height <= image.height && x <= image.width - width &&
                      y <= image.height - height;
  check(inside, Code::invalid_argument, "a crop of ", width, "x", height, " at (", x, ", ", y,
        ") does not lie inside a ", image.width, "x", image.height, " picture");
  Image out = black_image(width, height);
  for (int64_t row = 0; row < height; ++row) {
    std::copy_n(image.pixels.data() + ((y + row) * image.width + x) * 3, width * 3,
                out.pixels.data() + row * width * 3);
  }
  return out;
}

}  // namespace alx
