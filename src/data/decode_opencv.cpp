// Kinds that are seldom met, by OpenCV in a plug-in.
#include <atomic>

#include "core/error.h"
#include "core/plugin.h"
#include "data/decode.h"
#include "data/inspect.h"
#include "data/opencv/plugin.h"

namespace alx {
namespace {

constexpr const char* opencv_file = "libalexnet_opencv.so";

alexnet_opencv_decode* opencv_decoder(const ImageInfo& info, const std::string& what) {
  static std::atomic<alexnet_opencv_decode*> loaded{nullptr};  // tried again where it failed
  if (alexnet_opencv_decode* known = loaded) return known;
  std::string reasons;
  auto* found = reinterpret_cast<alexnet_opencv_decode*>(
      plugin_function(opencv_file, ALEXNET_OPENCV_DECODE, reasons));
  check(found != nullptr, Code::unsupported, what, ": ", kind_name(info.kind), " files",
        info.run_lengths ? " of run lengths" : "", " are read by the plug-in ", opencv_file,
        ", which cannot be loaded: ", reasons,
        "; install it (docs/cmake.md), or save the picture as PNG");
  return loaded = found;
}

}  // namespace

Image decode_by_opencv(std::span<const std::byte> encoded, const ImageInfo& info,
                       const std::string& what) {
  alexnet_opencv_decode* decode = opencv_decoder(info, what);
  std::vector<std::byte> upright;  // OpenCV turns some TIFF and not others, by its version
  if (info.kind == ImageKind::tiff && info.orientation != 1)
    encoded = upright = upright_tiff(encoded);
  Image image = black_image(info.width, info.height);
  struct Said {
    std::string first;
    int64_t lines = 0;
  } said;
  const auto hear = [](void* user, const char* text) {
    Said& heard = *static_cast<Said*>(user);
    if (heard.lines++ == 0) heard.first = text;
  };
  const int failed = decode(reinterpret_cast<const uint8_t*>(encoded.data()), encoded.size(),
                            image.width, image.height, image.pixels.data(), hear, &said);
  check(failed != 2, Code::out_of_memory, what, ": too little memory for this picture");
  if (failed != 0) fail_undecodable(what, said.first);
  log_decoder(what, said.first, said.lines - 1);
  return image;
}

}  // namespace alx
