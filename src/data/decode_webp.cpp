// WebP by libwebp.
#include <webp/decode.h>

#include <algorithm>

#include "core/error.h"
#include "data/decode.h"

namespace alx {
namespace {

void check_webp(VP8StatusCode status, const std::string& what) {
  check(status != VP8_STATUS_OUT_OF_MEMORY, Code::out_of_memory, what,
        ": too little memory for this WebP");
  if (status != VP8_STATUS_OK) fail_undecodable(what, "");
}

// As `colours`, RGB or RGBA, into rows that begin `stride` bytes apart.
void read_webp(std::span<const std::byte> encoded, WEBP_CSP_MODE colours, uint8_t* to,
               size_t stride, int64_t height, const std::string& what) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config))
    fail(Code::unsupported, "libwebp is not of the version that this build is made for");
  config.output.colorspace = colours;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = to;
  config.output.u.RGBA.stride = static_cast<int>(stride);
  config.output.u.RGBA.size = stride * static_cast<size_t>(height);
  check_webp(WebPDecode(reinterpret_cast<const uint8_t*>(encoded.data()), encoded.size(), &config),
             what);
}

}  // namespace

Image decode_webp(std::span<const std::byte> encoded, const ImageInfo& info,
                  const std::string& what) {
  const FirstFrame frame =
      info.first_frame.value_or(FirstFrame{0, encoded.size(), 0, 0, info.width, info.height});
  encoded = encoded.subspan(frame.begin, frame.size);
  WebPBitstreamFeatures features;
  check_webp(
      WebPGetFeatures(reinterpret_cast<const uint8_t*>(encoded.data()), encoded.size(), &features),
      what);
  if (features.width != frame.width || features.height != frame.height)
    fail_undecodable(what, "another size");
  Image image = black_image(info.width, info.height);
  const bool whole = frame.width == info.width && frame.height == info.height;
  if (whole && !features.has_alpha) {
    read_webp(encoded, MODE_RGB, image.pixels.data(), static_cast<size_t>(info.width) * 3,
              info.height, what);
    return image;
  }
  if (!whole) std::fill(image.pixels.begin(), image.pixels.end(), uint8_t{255});
  const size_t stride = static_cast<size_t>(frame.width) * 4;
  std::vector<uint8_t> with_alpha(stride * static_cast<size_t>(frame.height));
  read_webp(encoded, MODE_RGBA, with_alpha.data(), stride, frame.height, what);
  const uint8_t* in = with_alpha.data();
  for (int64_t y = 0; y < frame.height; ++y) {
    uint8_t* out = image.pixels.data() + ((frame.y + y) * info.width + frame.x) * 3;
    for (int64_t x = 0; x < frame.width; ++x, in += 4, out += 3)
      for (int c = 0; c < 3; ++c) out[c] = over_white(in[c], in[3]);
  }
  return image;
}

}  // namespace alx
