// The only user of OpenCV.
#include <limits>
#include <opencv2/imgcodecs.hpp>
#include <utility>

#include "core/error.h"
#include "data/decode.h"

namespace alx {
namespace {

int decode_flags(ImageKind kind, int shrink) {
  switch (kind) {
    case ImageKind::jpeg:
      if (shrink == 8) return cv::IMREAD_REDUCED_COLOR_8 | cv::IMREAD_IGNORE_ORIENTATION;
      if (shrink == 4) return cv::IMREAD_REDUCED_COLOR_4 | cv::IMREAD_IGNORE_ORIENTATION;
      if (shrink == 2) return cv::IMREAD_REDUCED_COLOR_2 | cv::IMREAD_IGNORE_ORIENTATION;
      return cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION;
    case ImageKind::bmp: return cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION;
    default: return cv::IMREAD_UNCHANGED;  // keeps alpha
  }
}

uint8_t to_byte(uint8_t v) { return v; }
// the high byte, as Pillow takes it
uint8_t to_byte(uint16_t v) { return static_cast<uint8_t>(v >> 8); }

// One row of grey, BGR or BGRA to RGB.
template <class T>
void to_rgb(const T* in, int64_t width, int channels,
            const std::optional<uint32_t>& transparent_grey, uint8_t* out) {
  for (int64_t x = 0; x < width; ++x, in += channels, out += 3) {
    if (channels == 1) {
      out[0] = out[1] = out[2] =
          transparent_grey == uint32_t{in[0]} ? uint8_t{255} : to_byte(in[0]);
    } else if (channels == 3) {
      out[0] = to_byte(in[2]), out[1] = to_byte(in[1]), out[2] = to_byte(in[0]);
    } else {
      const unsigned alpha = to_byte(in[3]);
      for (int c = 0; c < 3; ++c) out[c] = over_white(to_byte(in[2 - c]), alpha);
    }
  }
}

// Into `into`, where that has the picture's size and type.
cv::Mat decode(std::span<const std::byte> encoded, int flags, const std::string& what,
               cv::Mat into = {}) {
  check(encoded.size() <= size_t{std::numeric_limits<int>::max()}, Code::bad_file, what, ": ",
        encoded.size(), " bytes are too many for one picture");
  // OpenCV only reads the buffer but has no header for constant bytes.
  auto* data = const_cast<std::byte*>(encoded.data());
  try {
    return cv::imdecode(cv::Mat(1, static_cast<int>(encoded.size()), CV_8UC1, data), flags, &into);
  } catch (const cv::Exception& e) {
    fail(e.code == cv::Error::StsNoMem ? Code::out_of_memory : Code::bad_file, what,
         ": cannot be decoded: ", e.err);
  }
}

}  // namespace

Image decode_pixels(std::span<const std::byte> encoded, const ImageInfo& info, int shrink,
                    const std::string& what) {
  std::vector<std::byte> essential;
  if (info.strays) encoded = essential = essential_bytes(encoded, info.kind);
  // JPEG and BMP come as one byte for each colour: decoded straight into the picture, for a large
  // one is too large twice.
  Image image;
  cv::Mat into;
  if (info.kind == ImageKind::jpeg || info.kind == ImageKind::bmp) {
    image = black_image((info.width + shrink - 1) / shrink, (info.height + shrink - 1) / shrink);
    into = cv::Mat(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3,
                   image.pixels.data());
  }
  const cv::Mat decoded = decode(encoded, decode_flags(info.kind, shrink), what, into);
  check(!decoded.empty(), Code::bad_file, what,
        ": damaged picture file: its header is sound but its pixels cannot be ",
        "decoded; fetch or save it again");
  if (decoded.data == image.pixels.data()) {
    for (size_t i = 0; i < image.pixels.size(); i += 3)
      std::swap(image.pixels[i], image.pixels[i + 2]);
    return image;
  }
  const int channels = decoded.channels();
  const bool known = (channels == 1 || channels == 3 || channels == 4) &&
                     (decoded.depth() == CV_8U || decoded.depth() == CV_16U);
  check(known, Code::bad_file, what, ": decodes to pixels of an unknown layout: ", channels,
        " channels");
  image = black_image(decoded.cols, decoded.rows);
  for (int y = 0; y < decoded.rows; ++y) {
    uint8_t* out = image.pixels.data() + y * image.width * 3;
    if (decoded.depth() == CV_8U) {
      to_rgb(decoded.ptr<uint8_t>(y), image.width, channels, info.transparent_grey, out);
    } else {
      to_rgb(decoded.ptr<uint16_t>(y), image.width, channels, info.transparent_grey, out);
    }
  }
  return image;
}

std::vector<std::byte> encode_pixels(const Image& image, ImageKind kind, int quality) {
  cv::Mat bgr(static_cast<int>(image.height), static_cast<int>(image.width), CV_8UC3);
  const uint8_t* in = image.pixels.data();
  for (int y = 0; y < bgr.rows; ++y)
    for (auto* out = bgr.ptr<uint8_t>(y); out != bgr.ptr<uint8_t>(y) + bgr.cols * 3;
         out += 3, in += 3)
      out[0] = in[2], out[1] = in[1], out[2] = in[0];
  std::vector<uint8_t> encoded;
  const bool made = kind == ImageKind::jpeg
                        ? cv::imencode(".jpg", bgr, encoded, {cv::IMWRITE_JPEG_QUALITY, quality})
                        : cv::imencode(".bmp", bgr, encoded);
  check(made, Code::internal, "a picture of ", image.width, "x", image.height,
        " could not be encoded");
  const auto bytes = std::as_bytes(std::span(encoded));
  return {bytes.begin(), bytes.end()};
}

}  // namespace alx
