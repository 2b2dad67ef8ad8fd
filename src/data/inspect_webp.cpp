// WebP: a RIFF file.
#include <algorithm>

#include "core/error.h"
#include "data/bytes.h"
#include "data/inspect.h"

namespace alx {
namespace {

struct WebpSize {
  int64_t width = 0, height = 0;
  bool operator==(const WebpSize&) const = default;
};

int64_t le24(const ByteView& view, size_t at) { return view.le32(at) & 0xFFFFFF; }

// Of one chunk with a picture; empty where it is none.
WebpSize webp_frame(const ByteView& view, size_t chunk) {
  const size_t data = chunk + 8;
  if (view.has(chunk, "VP8 ")) return {view.le16(data + 6) & 0x3FFF, view.le16(data + 8) & 0x3FFF};
  if (!view.has(chunk, "VP8L")) return {};
  const uint32_t packed = view.le32(data + 1);
  return {1 + (packed & 0x3FFF), 1 + ((packed >> 14) & 0x3FFF)};
}

// visit(chunk, length) for each chunk from `at` to `end`.
template <class Visit>
void all_chunks(const ByteView& view, size_t at, size_t end, const std::string& what,
                Visit&& visit) {
  while (at + 8 <= end) {
    const size_t length = view.le32(at + 4), data = at + 8;
    if (length > end - data)
      cut_off(what, "WebP", cat("the chunk at byte ", at, " runs over the end at ", end));
    visit(at, length);
    at = data + length + (length & 1);
  }
}

// An animation's picture, in a chunk of its own: where it lies, then chunks as of a still one.
FirstFrame animated_frame(const ByteView& view, size_t chunk, size_t length,
                          const std::string& what) {
  constexpr size_t header = 16;
  const size_t data = chunk + 8, end = data + length;
  check(length > header, Code::bad_file, what, ": damaged WebP file: the picture at byte ", chunk,
        " is empty; fetch or save it again");
  const FirstFrame frame{data + header,
                         length - header,
                         2 * le24(view, data),
                         2 * le24(view, data + 3),
                         1 + le24(view, data + 6),
                         1 + le24(view, data + 9)};
  WebpSize size;
  all_chunks(view, frame.begin, end, what, [&](size_t at, size_t) {
    if (size == WebpSize{}) size = webp_frame(view, at);
  });
  check(size == WebpSize{frame.width, frame.height}, Code::bad_file, what,
        ": damaged WebP file: the picture at byte ", chunk, " should have ", frame.width, "x",
        frame.height, " pixels and has ", size.width, "x", size.height, "; fetch or save it again");
  return frame;
}

struct WebpParts {
  WebpSize canvas, still;
  bool animated = false;
};

void check_sizes(const WebpParts& parts, ImageInfo& info, const std::string& what,
                 const Limits& limits) {
  const auto& [canvas, still, animated] = parts;
  info.width = std::max(still.width, canvas.width);
  info.height = std::max(still.height, canvas.height);
  check_pixels(info, what, limits);
  if (!animated) {
    check(canvas == WebpSize{} || canvas == still, Code::bad_file, what,
          ": damaged WebP file: its header announces ", canvas.width, "x", canvas.height,
          " pixels, its picture has ", still.width, "x", still.height, "; fetch or save it again");
    return;
  }
  const bool sound = info.first_frame && still == WebpSize{} &&
                     info.first_frame->x + info.first_frame->width <= canvas.width &&
                     info.first_frame->y + info.first_frame->height <= canvas.height;
  check(sound, Code::bad_file, what, ": damaged WebP file: it announces an animation of ",
        canvas.width, "x", canvas.height,
        " pixels and its first picture is missing or lies outside; fetch or save it again");
}

}  // namespace

ImageInfo inspect_webp(ImageBytes bytes, const std::string& what, const Limits& limits) {
  const ByteView view(bytes);
  ImageInfo info{ImageKind::webp};
  const size_t first = 12, end = size_t{view.le32(4)} + 8;
  if (end > bytes.size())
    cut_off(what, "WebP", cat("it should have ", end, " bytes and has ", bytes.size()));
  WebpParts parts;
  int64_t frames = 0;
  all_chunks(view, first, end, what, [&](size_t at, size_t length) {
    const size_t data = at + 8;
    if (view.has(at, "VP8X")) {
      check(at == first, Code::bad_file, what, ": damaged WebP file: an extended header at byte ",
            at, ", not at the start; fetch or save it again");
      parts.animated = (view.u8(data) & 0x02) != 0;
      parts.canvas = {1 + le24(view, data + 4), 1 + le24(view, data + 7)};
    } else if (parts.animated && view.has(at, "ANMF")) {
      if (frames++ == 0) info.first_frame = animated_frame(view, at, length, what);
    } else if (const WebpSize size = webp_frame(view, at); size != WebpSize{}) {
      check(parts.still == WebpSize{}, Code::bad_file, what,
            ": damaged WebP file: a second picture at byte ", at, "; fetch or save it again");
      parts.still = size;
    } else if (view.has(at, "EXIF")) {
      const size_t skip = view.has(data, exif_magic) ? exif_magic.size() : 0;
      info.orientation = exif_orientation(view.part(data + skip, length - std::min(skip, length)));
    }
  });
  info.pictures = std::max<int64_t>(frames, 1);
  check_sizes(parts, info, what, limits);
  return info;
}

}  // namespace alx
