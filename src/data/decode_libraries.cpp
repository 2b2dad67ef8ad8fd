// Pictures by libjpeg-turbo, libpng and libwebp; what is rarer by OpenCV's plug-in.
#include "data/decode.h"

namespace alx {

Image decode_by_library(std::span<const std::byte> encoded, const ImageInfo& info, int shrink,
                        const std::string& what) {
  switch (info.kind) {
    case ImageKind::jpeg: return decode_jpeg(encoded, info, shrink, what);
    case ImageKind::png: return decode_png(encoded, info, what);
    case ImageKind::webp: return decode_webp(encoded, info, what);
    default: return decode_by_opencv(encoded, info, what);
  }
}

}  // namespace alx
