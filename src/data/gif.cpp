// GIF: blocks, of which pictures are packed by LZW. The first picture is read.
#include <algorithm>
#include <array>

#include "core/error.h"
#include "data/bytes.h"
#include "data/decode.h"
#include "data/inspect.h"

namespace alx {
namespace {

constexpr size_t screen_end = 13;  // of the header, without the colours

size_t colours_of(uint8_t flags) { return (flags & 0x80) != 0 ? size_t{2} << (flags & 7) : 0; }

struct GifFrame {
  int64_t x = 0, y = 0, width = 0, height = 0;
  bool interlaced = false;
  size_t palette = 0, colours = 0;  // where it lies
  int transparent = -1;
  size_t data = 0, end = 0;  // of its pixels: the size of a code, then blocks; 0: the file is cut
};

// Behind the blocks that begin at `at`: each with its length in front, the last one empty. 0 where
// the file ends before.
size_t after_blocks(const ByteView& view, size_t at) {
  while (at < view.size()) {
    const size_t length = view.u8(at);
    at += 1 + length;
    if (length == 0) return at;
  }
  return 0;
}

// Reads on from `at` to the next picture. False where there is none, or no more that is sound.
bool next_frame(const ByteView& view, size_t& at, GifFrame& frame) {
  frame = {};
  while (at != 0 && view.u8(at) == 0x21) {  // an extension
    if (view.u8(at + 1) == 0xF9 && (view.u8(at + 3) & 1) != 0) frame.transparent = view.u8(at + 6);
    at = after_blocks(view, at + 2);
  }
  if (at == 0 || view.u8(at) != 0x2C) return false;
  frame.x = view.le16(at + 1);
  frame.y = view.le16(at + 3);
  frame.width = view.le16(at + 5);
  frame.height = view.le16(at + 7);
  const uint8_t flags = view.u8(at + 9), shared = view.u8(10);
  frame.interlaced = (flags & 0x40) != 0;
  const size_t own = colours_of(flags);
  frame.palette = own > 0 ? at + 10 : screen_end;
  frame.colours = own > 0 ? own : colours_of(shared);
  frame.data = at + 10 + own * 3;
  at = frame.end = after_blocks(view, frame.data + 1);
  return true;
}

size_t after_screen(const ByteView& view) { return screen_end + colours_of(view.u8(10)) * 3; }

// Codes of a growing number of bits, the lowest first, from a chain of blocks.
class GifCodes {
 public:
  GifCodes(const ByteView& view, size_t at) : view_(view), at_(at) {}

  // -1 behind the last one
  int next(int bits) {
    while (held_ < bits) {
      if (left_ == 0) {
        left_ = view_.u8(at_++);
        if (left_ == 0) return -1;
      }
      bits_ |= uint32_t{view_.u8(at_++)} << held_;
      held_ += 8;
      --left_;
    }
    const int code = static_cast<int>(bits_ & ((1u << bits) - 1));
    bits_ >>= bits;
    held_ -= bits;
    return code;
  }

 private:
  const ByteView& view_;
  size_t at_, left_ = 0;
  uint32_t bits_ = 0;
  int held_ = 0;
};

// Colour numbers; fewer than `count` where the data end before or are damaged. Each code stands for
// a piece of what was unpacked before: all that the one before it stood for, and one more.
std::vector<uint8_t> unpack_gif(const ByteView& view, size_t data, size_t count) {
  struct Piece {
    size_t at, length;
  };
  constexpr int most_bits = 12;
  std::array<Piece, size_t{1} << most_bits> pieces;
  std::vector<uint8_t> out;
  out.reserve(count);
  const int least = view.u8(data);
  if (least < 1 || least > 8) return out;
  const int clear = 1 << least, end = clear + 1;
  GifCodes codes(view, data + 1);
  int bits = least + 1, known = end + 1;
  Piece before{0, 0};
  while (out.size() < count) {
    const int code = codes.next(bits);
    if (code < 0 || code == end) break;
    if (code == clear) {
      bits = least + 1;
      known = end + 1;
      before.length = 0;
      continue;
    }
    if (before.length > 0 && known < 1 << most_bits) {
      pieces[static_cast<size_t>(known++)] = {before.at, before.length + 1};
      if (known == 1 << bits && bits < most_bits) ++bits;
    }
    if (code >= known) break;
    const size_t at = out.size();
    if (code < clear) {
      out.push_back(static_cast<uint8_t>(code));
    } else {
      const Piece& piece = pieces[static_cast<size_t>(code)];
      for (size_t i = 0; i < piece.length && out.size() < count; ++i)
        out.push_back(out[piece.at + i]);  // may read what it has just written
    }
    before = {at, out.size() - at};
  }
  return out;
}

// Rows in the order in which they are stored.
std::vector<int64_t> gif_rows(const GifFrame& frame) {
  struct Pass {
    int64_t first, step;
  };
  static constexpr Pass interlaced[] = {{0, 8}, {4, 8}, {2, 4}, {1, 2}}, plain[] = {{0, 1}};
  std::vector<int64_t> rows;
  for (const Pass& pass : frame.interlaced ? std::span<const Pass>(interlaced) : std::span(plain))
    for (int64_t y = pass.first; y < frame.height; y += pass.step) rows.push_back(y);
  return rows;
}

}  // namespace

bool is_gif(ImageBytes bytes) {
  const ByteView view(bytes);
  return view.has(0, "GIF87a") || view.has(0, "GIF89a");
}

ImageInfo inspect_gif(ImageBytes bytes, const std::string& what, const Limits& limits) {
  const ByteView view(bytes);
  ImageInfo info{ImageKind::gif};
  info.width = view.le16(6);
  info.height = view.le16(8);
  size_t at = after_screen(view);
  if (at > bytes.size()) cut_off(what, "GIF", cat("its ", bytes.size(), " bytes hold no picture"));
  check_pixels(info, what, limits);
  GifFrame frame;
  const bool found = next_frame(view, at, frame);
  if ((found && frame.end == 0) || (!found && at == 0) || (!found && at >= bytes.size()))
    cut_off(what, "GIF", cat("its ", bytes.size(), " bytes hold no whole picture"));
  check(found && frame.colours > 0 && frame.width > 0 && frame.height > 0 &&
            frame.x + frame.width <= info.width && frame.y + frame.height <= info.height,
        Code::bad_file, what,
        ": damaged GIF file: its first picture is missing, has no colours or lies outside its ",
        info.width, "x", info.height, " pixels; fetch or save it again");
  // a code of two bits at least stands for 4096 pixels at most
  const int64_t packed = static_cast<int64_t>(frame.end - frame.data);
  if (frame.width * frame.height / (4 * 4096) > packed)
    cut_off(what, "GIF",
            cat("its ", packed, " bytes of pixels cannot hold ", frame.width, "x", frame.height));
  while (next_frame(view, at, frame) && frame.end != 0) ++info.pictures;
  return info;
}

Image decode_gif(std::span<const std::byte> encoded, const ImageInfo& info,
                 const std::string& what) {
  const ByteView view(encoded);
  GifFrame frame;
  size_t at = after_screen(view);
  next_frame(view, at, frame);
  const auto count = static_cast<size_t>(frame.width * frame.height);
  const std::vector<uint8_t> numbers = unpack_gif(view, frame.data, count);
  if (numbers.size() < count)
    fail_undecodable(what, cat("its data end after ", numbers.size(), " of ", count, " pixels"));
  Image image = black_image(info.width, info.height);
  if (count < static_cast<size_t>(info.width * info.height) || frame.transparent >= 0)
    std::fill(image.pixels.begin(), image.pixels.end(), uint8_t{255});
  const uint8_t* in = numbers.data();
  for (const int64_t y : gif_rows(frame)) {
    uint8_t* out = image.pixels.data() + ((frame.y + y) * info.width + frame.x) * 3;
    for (int64_t x = 0; x < frame.width; ++x, ++in, out += 3) {
      if (*in == frame.transparent) continue;
      for (size_t c = 0; c < 3; ++c)
        out[c] = *in < frame.colours ? view.u8(frame.palette + *in * 3u + c) : uint8_t{0};
    }
  }
  return image;
}

}  // namespace alx
