// Which decoder reads what.
#include "data/decode.h"

#include "core/error.h"
#include "core/log.h"

namespace alx {

Image decode_pixels(std::span<const std::byte> encoded, const ImageInfo& info, int shrink,
                    const std::string& what) {
  if (info.pictures > 1)
    log_line(LogLevel::warning, cat(what, ": an animated ", kind_name(info.kind), " of ",
                                    info.pictures, " pictures; its first one is taken"));
  if (info.kind == ImageKind::bmp && !info.run_lengths) return decode_bmp(encoded, info, what);
  if (info.kind == ImageKind::gif) return decode_gif(encoded, info, what);
  return decode_by_library(encoded, info, shrink, what);
}

std::vector<std::byte> encode_pixels(const Image& image, ImageKind kind, int quality) {
  return kind == ImageKind::bmp ? encode_bmp(image) : encode_jpeg(image, quality);
}

void fail_undecodable(const std::string& what, const std::string& why) {
  fail(Code::bad_file, what,
       ": damaged picture file: its header is sound but its pixels cannot be decoded",
       why.empty() ? "" : cat(" (", why, ")"), "; fetch or save it again");
}

void log_decoder(const std::string& what, const std::string& text, int64_t more) {
  if (text.empty()) return;
  log_line(LogLevel::warning,
           cat(what, ": ", text, more > 0 ? cat(", and ", more, " more such") : ""));
}

}  // namespace alx
