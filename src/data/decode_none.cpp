// Builds without OpenCV.
#include "core/error.h"
#include "data/decode.h"

namespace alx {

Image decode_pixels(std::span<const std::byte>, const ImageInfo&, int, const std::string& what) {
  fail(Code::unsupported, what,
       ": this build reads no picture files (ALEXNET_WITH_OPENCV is off); pass pixels instead");
}

std::vector<std::byte> encode_pixels(const Image&, ImageKind, int) {
  fail(Code::unsupported, "this build writes no picture files (ALEXNET_WITH_OPENCV is off)");
}

}  // namespace alx
