// The decoder behind decode_image and the encoder of packed sets: one of decode_opencv.cpp,
// decode_wic.cpp (Windows) and decode_none.cpp is built.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "data/container.h"
#include "data/image.h"

namespace alx {

inline uint8_t over_white(unsigned v, unsigned alpha) {
  return static_cast<uint8_t>((v * alpha + 255 * (255 - alpha) + 127) / 255);
}

// Pixels as stored, without EXIF rotation; alpha laid over white. A JPEG may be shrunk by 1, 2, 4
// or 8.
Image decode_pixels(std::span<const std::byte> encoded, const ImageInfo& info, int shrink,
                    const std::string& what);

// A whole JPEG or BMP of it; `quality` is JPEG's, 1..100.
std::vector<std::byte> encode_pixels(const Image& image, ImageKind kind, int quality);

}  // namespace alx
