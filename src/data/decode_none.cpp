// Builds without the libraries of pictures.
#include "core/error.h"
#include "data/decode.h"

namespace alx {

Image decode_by_library(std::span<const std::byte>, const ImageInfo& info, int,
                        const std::string& what) {
  fail(Code::unsupported, what, ": this build reads no ", kind_name(info.kind),
       " files (ALEXNET_WITH_PICTURES is off); save it as plain BMP, or pass pixels");
}

std::vector<std::byte> encode_jpeg(const Image&, int) {
  fail(Code::unsupported, "this build writes no JPEG files (ALEXNET_WITH_PICTURES is off)");
}

}  // namespace alx
