// The decoders behind decode_image and the encoders of packed sets. BMP and GIF are read here
// (bmp.cpp, gif.cpp). The rest is read by one of decode_libraries.cpp (libjpeg-turbo, libpng,
// libwebp, and OpenCV in a plug-in), decode_wic.cpp (Windows) and decode_none.cpp, which is built.
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

// Pixels as stored, without EXIF rotation; alpha laid over white; of an animation its first
// picture. A JPEG may be shrunk by 1, 2, 4 or 8. What a decoder warns of goes to the log, with
// `what` for a name.
Image decode_pixels(std::span<const std::byte> encoded, const ImageInfo& info, int shrink,
                    const std::string& what);

// A whole JPEG or BMP of it; `quality` is JPEG's, 1..100.
std::vector<std::byte> encode_pixels(const Image& image, ImageKind kind, int quality);

// --- What these two call.

Image decode_by_library(std::span<const std::byte> encoded, const ImageInfo& info, int shrink,
                        const std::string& what);
std::vector<std::byte> encode_jpeg(const Image& image, int quality);

Image decode_bmp(std::span<const std::byte> encoded, const ImageInfo& info,
                 const std::string& what);
std::vector<std::byte> encode_bmp(const Image& image);
Image decode_gif(std::span<const std::byte> encoded, const ImageInfo& info,
                 const std::string& what);

Image decode_jpeg(std::span<const std::byte> encoded, const ImageInfo& info, int shrink,
                  const std::string& what);
Image decode_png(std::span<const std::byte> encoded, const ImageInfo& info,
                 const std::string& what);
Image decode_webp(std::span<const std::byte> encoded, const ImageInfo& info,
                  const std::string& what);
Image decode_by_opencv(std::span<const std::byte> encoded, const ImageInfo& info,
                       const std::string& what);

// bad_file: the header is sound, the pixels are not. `why` is the decoder's own word, or "".
[[noreturn]] void fail_undecodable(const std::string& what, const std::string& why);
// A decoder's warning to the log; `more` followed it. Nothing where `text` is empty.
void log_decoder(const std::string& what, const std::string& text, int64_t more);

}  // namespace alx
