// Pictures from files and memory to bytes in memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/limits.h"

namespace alx {

// 8-bit RGB, rows without gaps: pixel (y, x) starts at pixels[(y * width + x) * 3].
struct Image {
  int64_t width = 0, height = 0;
  std::vector<uint8_t> pixels;
};

inline Image black_image(int64_t width, int64_t height) {
  return {width, height, std::vector<uint8_t>(static_cast<size_t>(width * height * 3))};
}

// Decodes JPEG, PNG, WebP, BMP, GIF, TIFF and PNM: grey, palette, 16-bit, CMYK and YCCK JPEG become
// RGB; alpha is laid over white; EXIF rotation is applied; an animation gives its first picture.
// `what` names the source in messages. Throws bad_file where the bytes are no whole image of a
// known kind (empty, cut off, text) or exceed a limit, with what was found; unsupported where this
// build or this installation does not read the kind. `at_least` > 0 is for training: a JPEG is
// decoded at 1/2, 1/4 or 1/8 size as long as its short side stays at least that.
Image decode_image(std::span<const std::byte> encoded, const std::string& what,
                   int64_t at_least = 0, const Limits& limits = {});
// Throws not_found / io / bad_file, with the path.
Image read_image(const std::string& path, int64_t at_least = 0, const Limits& limits = {});

// Resize with Pillow's bilinear filter: with `antialias` its support grows with the shrink factor,
// as in Pillow and torchvision (antialias=True); without, plain two-point bilinear, half-pixel
// centres. Equal to Pillow within 1/255 a pixel.
Image resize(const Image& image, int64_t width, int64_t height, bool antialias = true);

// Short side to `size`, the long one int(size * long / short), torchvision's rounding.
Image resize_short_side(const Image& image, int64_t size, bool antialias = true);

// must lie inside
Image crop(const Image& image, int64_t x, int64_t y, int64_t width, int64_t height);

}  // namespace alx
