// What the bytes of a picture file say before any pixel is decoded.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/limits.h"

namespace alx {

enum class ImageKind { jpeg, png, webp, bmp, gif, tiff, pnm };

const char* kind_name(ImageKind kind);

// An animation's first picture: its bytes in the file and its place in the whole.
struct FirstFrame {
  size_t begin = 0, size = 0;
  int64_t x = 0, y = 0, width = 0, height = 0;
};

struct ImageInfo {
  ImageKind kind = ImageKind::jpeg;
  int64_t width = 0, height = 0;  // as stored, before `orientation`
  int orientation = 1;            // EXIF's 1..8
  // JPEG: has stray bytes between its segments; PNG: has chunks that pixels do not need
  bool strays = false;
  bool run_lengths = false;  // BMP
  int64_t pictures = 1;      // WebP and GIF: of an animation, as far as the file is sound
  std::optional<FirstFrame> first_frame = {};  // of an animated WebP
};

constexpr int64_t max_image_side = int64_t{1} << 20;

// Recognises the kind by its first bytes and checks that the file is whole: a decoder would fill
// what is missing with grey and call that success. Checks too that its pixels fit into the limits
// and that its bytes can hold them, as far as its kind has a bound for that. Throws bad_file, with
// `what` for a name.
ImageInfo inspect_image(std::span<const std::byte> bytes, const std::string& what,
                        const Limits& limits = {});

// A whole PNG or JPEG without its strays, for decoders that can't be told to pass them over.
std::vector<std::byte> essential_bytes(std::span<const std::byte> bytes, ImageKind kind);

// EXIF's orientation from its TIFF block; 1 where it has none or is damaged.
int exif_orientation(std::span<const std::byte> tiff);

}  // namespace alx
