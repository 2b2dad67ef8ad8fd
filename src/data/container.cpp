#include "data/container.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "core/error.h"
#include "core/number.h"
#include "data/bytes.h"
#include "data/crc32.h"
#include "data/inspect.h"

namespace alx {
namespace {

constexpr std::string_view png_magic{"\x89PNG\r\n\x1a\n", 8};
// --- JPEG: segments up to the scan, then entropy-coded data up to the next marker, to the
// end-of-image marker.

bool is_frame_header(uint8_t marker) {
  return marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC;
}

// Position of the first marker at or after `at`: FF and then neither a stuffed zero nor a restart
// marker. The size where there is none.
size_t next_marker(std::span<const std::byte> bytes, size_t at) {
  while (at + 1 < bytes.size()) {
    const void* found = std::memchr(bytes.data() + at, 0xFF, bytes.size() - 1 - at);
    if (found == nullptr) break;
    at = static_cast<size_t>(static_cast<const std::byte*>(found) - bytes.data());
    const uint8_t code = std::to_integer<uint8_t>(bytes[at + 1]);
    if (code == 0xFF) {
      ++at;  // a fill byte
    } else if (code == 0x00 || (code >= 0xD0 && code <= 0xD7)) {
      at += 2;
    } else {
      return at;
    }
  }
  return bytes.size();
}

struct Segment {
  uint8_t marker;
  // of its FF, of what follows its length, of what follows it all, entropy-coded data too
  size_t begin, data, end;
};

// visit(segment) for each, up to and with the end-of-image marker. Stray bytes between two belong
// to neither.
template <class Visit>
void all_segments(std::span<const std::byte> bytes, const std::string& what, Visit&& visit) {
  const ByteView view(bytes);
  for (size_t at = 2;;) {
    const size_t begin = next_marker(bytes, at);
    if (begin >= bytes.size())
      cut_off(what, "JPEG", cat("its ", bytes.size(), " bytes hold no end-of-image marker"));
    const uint8_t marker = view.u8(begin + 1);
    at = begin + 2;
    if (marker == 0xD8 || marker == 0x01) continue;  // the other two without a segment
    if (marker == 0xD9) return visit(Segment{marker, begin, at, at});
    const size_t length = std::max<size_t>(view.be16(at), 2), data = at + 2;
    if (length > bytes.size() - at) {
      cut_off(what, "JPEG",
              cat("the segment at byte ", begin, " runs over the end at ", bytes.size()));
    }
    at += length;
    const size_t end = marker == 0xDA ? next_marker(bytes, at) : at;
    visit(Segment{marker, begin, data, end});
    at = end;
  }
}

// What a JPEG's decoder has to do.
struct JpegWork {
  uint8_t frame = 0;  // marker of its header
  int64_t width = 0, height = 0;
  int64_t blocks = 0;  // of 8x8 values in its largest component
  int64_t scans = 0;
};

void read_frame_header(const ByteView& view, const Segment& segment, JpegWork& work,
                       const std::string& what) {
  const int64_t height = view.be16(segment.data + 1), width = view.be16(segment.data + 3);
  const bool again = work.frame != 0;
  check(!again || (width == work.width && height == work.height), Code::bad_file, what,
        ": damaged JPEG file: a second frame header at byte ", segment.begin, " has ", width, "x",
        height, " pixels, the first ", work.width, "x", work.height, "; fetch or save it again");
  if (again) return;
  work = {segment.marker, width, height, 0, work.scans};
  const auto part = [&](size_t component, int shift) {
    return std::max<int64_t>(view.u8(segment.data + 7 + 3 * component) >> shift & 15, 1);
  };
  const size_t components = view.u8(segment.data + 5);
  int64_t most_across = 1, most_down = 1;
  for (size_t i = 0; i < components; ++i) {
    most_across = std::max(most_across, part(i, 4));
    most_down = std::max(most_down, part(i, 0));
  }
  for (size_t i = 0; i < components; ++i) {
    const int64_t across = width * part(i, 4) / most_across / 8,
                  down = height * part(i, 0) / most_down / 8;
    work.blocks = std::max(work.blocks, across * down);
  }
}

// A scan may be a dozen bytes and yet walk over all pixels.
void check_work(const JpegWork& work, size_t bytes, const std::string& what, const Limits& limits) {
  constexpr int64_t max_scans = 1000;  // programs write a dozen
  const int64_t pixels = work.width * work.height;
  check(work.scans <= max_scans && work.scans <= limits.scan_pixels / pixels, Code::bad_file, what,
        ": a JPEG of ", work.scans, " scans over ", work.width, "x", work.height,
        " pixels; at most ", max_scans, " and together ", limits.scan_pixels,
        " pixels are read; save it again");
  const bool progressive = work.frame == 0xC2;
  // arithmetic coding has no such bound
  if (!progressive && work.frame != 0xC0 && work.frame != 0xC1) return;
  const int64_t bits = work.blocks * (progressive ? 1 : 2);
  if (bits / 8 > static_cast<int64_t>(bytes))
    cut_off(what, "JPEG",
            cat("its ", bytes, " bytes cannot hold the ", work.width, "x", work.height,
                " pixels that its header announces"));
}

ImageInfo inspect_jpeg(std::span<const std::byte> bytes, const std::string& what,
                       const Limits& limits) {
  const ByteView view(bytes);
  ImageInfo info{ImageKind::jpeg};
  JpegWork work;
  bool exif_seen = false;
  size_t end = 2;
  all_segments(bytes, what, [&](const Segment& segment) {
    info.strays |= segment.begin != end;
    end = segment.end;
    work.scans += segment.marker == 0xDA;
    if (is_frame_header(segment.marker)) {
      read_frame_header(view, segment, work, what);
    } else if (segment.marker == 0xE1 && !exif_seen && view.has(segment.data, exif_magic)) {
      exif_seen = true;
      const size_t tiff = std::min(segment.data + exif_magic.size(), segment.end);
      info.orientation = exif_orientation(view.part(tiff, segment.end - tiff));
    }
  });
  info.width = work.width;
  info.height = work.height;
  check_pixels(info, what, limits);
  check_work(work, bytes.size(), what, limits);
  return info;
}

std::vector<std::byte> essential_jpeg(std::span<const std::byte> bytes) {
  std::vector<std::byte> kept(bytes.begin(), bytes.begin() + 2);
  all_segments(bytes, "", [&](const Segment& segment) {
    kept.insert(kept.end(), bytes.begin() + static_cast<ptrdiff_t>(segment.begin),
                bytes.begin() + static_cast<ptrdiff_t>(segment.end));
  });
  return kept;
}

// --- PNG: chunks of length, type, data and checksum up to IEND.

// A packed byte gives 1032 at most: deflate cannot do more.
void check_packed(const ImageInfo& info, uint8_t depth, uint8_t colour, uint64_t packed,
                  const std::string& what) {
  const uint64_t values = colour == 2 ? 3 : colour == 4 ? 2 : colour == 6 ? 4 : 1;
  const uint64_t bytes = static_cast<uint64_t>(info.width * info.height) * values * depth / 8;
  if (bytes / 1032 > packed)
    cut_off(what, "PNG",
            cat("its ", packed, " bytes of pixels cannot hold the ", info.width, "x", info.height,
                " that its header announces"));
}

ImageInfo inspect_png(std::span<const std::byte> bytes, const std::string& what,
                      const Limits& limits) {
  const ByteView view(bytes);
  ImageInfo info{ImageKind::png};
  check(view.has(12, "IHDR") || bytes.size() < 33, Code::bad_file, what,
        ": damaged PNG file: it does not start with IHDR");
  info.width = view.be32(16);
  info.height = view.be32(20);
  uint64_t packed = 0;
  for (size_t at = 8;;) {
    const size_t length = view.be32(at);
    if (at + 12 > bytes.size() || length > bytes.size() - at - 12) {
      cut_off(what, "PNG", cat("the chunk at byte ", at, " runs over the end at ", bytes.size()));
    }
    // lower case: not critical
    const bool essential = (view.u8(at + 4) & 0x20) == 0 || view.has(at + 4, "tRNS");
    check(!essential || crc32(view.part(at + 4, length + 4)) == view.be32(at + 8 + length),
          Code::bad_file, what, ": damaged PNG file: the chunk at byte ", at,
          " does not match its checksum; fetch or save it again");
    if (view.has(at + 4, "IEND")) break;
    check(at == 8 || !view.has(at + 4, "IHDR"), Code::bad_file, what,
          ": damaged PNG file: a second IHDR at byte ", at, "; fetch or save it again");
    if (view.has(at + 4, "IDAT")) packed += length;
    if (view.has(at + 4, "eXIf")) info.orientation = exif_orientation(view.part(at + 8, length));
    info.strays |= !essential;
    at += length + 12;
  }
  check_pixels(info, what, limits);
  check_packed(info, view.u8(24), view.u8(25), packed, what);
  return info;
}

std::vector<std::byte> essential_png(std::span<const std::byte> bytes) {
  const ByteView view(bytes);
  std::vector<std::byte> kept(bytes.begin(), bytes.begin() + png_magic.size());
  for (size_t at = png_magic.size(); at + 12 <= bytes.size();) {
    const auto chunk = view.part(at, size_t{view.be32(at)} + 12);
    if ((view.u8(at + 4) & 0x20) == 0 || view.has(at + 4, "tRNS"))
      kept.insert(kept.end(), chunk.begin(), chunk.end());
    if (view.has(at + 4, "IEND")) break;
    at += chunk.size();
  }
  return kept;
}

// --- Anything else: say what it is.

std::string describe(std::span<const std::byte> bytes) {
  const ByteView view(bytes);
  if (view.has(4, "ftyp")) return "a HEIC, AVIF or video file";
  if (view.has(0, "%PDF")) return "a PDF document";
  const auto head = bytes.first(std::min<size_t>(bytes.size(), 256));
  const bool text = std::all_of(head.begin(), head.end(), [](std::byte b) {
    const auto c = std::to_integer<unsigned char>(b);
    return c >= 0x20 ? c != 0x7F : c >= '\t' && c <= '\r';
  });
  if (text) return "text";
  std::string start = "unknown content starting with bytes";
  for (std::byte b : bytes.first(std::min<size_t>(bytes.size(), 4)))
    start += " " + hex(std::to_integer<unsigned>(b), 2);
  return start;
}

}  // namespace

void cut_off(const std::string& what, std::string_view kind, const std::string& missing) {
  fail(Code::bad_file, what, ": cut off ", kind, " file: ", missing, "; fetch or save it again");
}

void check_pixels(const ImageInfo& info, const std::string& what, const Limits& limits) {
  check(info.width > 0 && info.height > 0, Code::bad_file, what,
        ": damaged picture file: its size is ", info.width, "x", info.height);
  check(info.width <= max_image_side && info.height <= max_image_side &&
            info.width * info.height <= limits.pixels,
        Code::bad_file, what, ": a picture of ", info.width, "x", info.height, " pixels; at most ",
        limits.pixels, " pixels and ", max_image_side, " a side are read; make it smaller first");
}

const char* kind_name(ImageKind kind) {
  static constexpr const char* names[] = {"JPEG", "PNG", "WebP", "BMP", "GIF", "TIFF", "PNM"};
  return names[static_cast<size_t>(kind)];
}

int exif_orientation(std::span<const std::byte> tiff) {
  const ByteView view(tiff);
  const bool little = view.has(0, "II");
  if (!little && !view.has(0, "MM")) return 1;
  const auto u16 = [&](size_t at) { return little ? view.le16(at) : view.be16(at); };
  const auto u32 = [&](size_t at) { return little ? view.le32(at) : view.be32(at); };
  const size_t table = u32(4);
  if (u16(2) != 42 || table >= tiff.size()) return 1;
  const size_t entries = std::min<size_t>(u16(table), (tiff.size() - table) / 12);
  for (size_t i = 0; i < entries; ++i) {
    const size_t entry = table + 2 + 12 * i;
    if (u16(entry) != 0x0112) continue;
    const uint32_t value = u16(entry + 2) == 4 ? u32(entry + 8) : u16(entry + 8);
    return value >= 1 && value <= 8 ? static_cast<int>(value) : 1;
  }
  return 1;
}

std::vector<std::byte> essential_bytes(std::span<const std::byte> bytes, ImageKind kind) {
  return kind == ImageKind::png ? essential_png(bytes) : essential_jpeg(bytes);
}

ImageInfo inspect_image(std::span<const std::byte> bytes, const std::string& what,
                        const Limits& limits) {
  const ByteView view(bytes);
  if (view.has(0, "\xFF\xD8")) return inspect_jpeg(bytes, what, limits);
  if (view.has(0, png_magic)) return inspect_png(bytes, what, limits);
  if (view.has(0, "RIFF") && view.has(8, "WEBP")) return inspect_webp(bytes, what, limits);
  if (view.has(0, "BM")) return inspect_bmp(bytes, what, limits);
  if (is_gif(bytes)) return inspect_gif(bytes, what, limits);
  if (is_tiff(bytes)) return inspect_tiff(bytes, what, limits);
  if (is_pnm(bytes)) return inspect_pnm(bytes, what, limits);
  check(!bytes.empty(), Code::bad_file, what, ": is empty (0 bytes) where a picture was expected");
  fail(Code::bad_file, what, ": not a picture but ", describe(bytes),
       "; JPEG, PNG, WebP, BMP, GIF, TIFF and PNM can be read");
}

}  // namespace alx
