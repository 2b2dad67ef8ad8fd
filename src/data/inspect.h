// The parts of inspect_image(), by kind.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "data/container.h"

namespace alx {

using ImageBytes = std::span<const std::byte>;

// Behind the "Exif\0\0" that JPEG and some WebP have lies EXIF's TIFF block.
inline constexpr std::string_view exif_magic{"Exif\0\0", 6};

// bad_file: the file ends too early.
[[noreturn]] void cut_off(const std::string& what, std::string_view kind,
                          const std::string& missing);
// The size that a header announces.
void check_pixels(const ImageInfo& info, const std::string& what, const Limits& limits);

ImageInfo inspect_webp(ImageBytes bytes, const std::string& what, const Limits& limits);
ImageInfo inspect_bmp(ImageBytes bytes, const std::string& what, const Limits& limits);
ImageInfo inspect_gif(ImageBytes bytes, const std::string& what, const Limits& limits);
ImageInfo inspect_tiff(ImageBytes bytes, const std::string& what, const Limits& limits);
ImageInfo inspect_pnm(ImageBytes bytes, const std::string& what, const Limits& limits);

// A copy that says that it is not turned.
std::vector<std::byte> upright_tiff(ImageBytes bytes);

bool is_gif(ImageBytes bytes);
bool is_tiff(ImageBytes bytes);
bool is_pnm(ImageBytes bytes);

}  // namespace alx
