// BMP: a header, an optional palette, rows padded to four bytes, the lowest first.
#include <algorithm>
#include <array>
#include <bit>
#include <cstdlib>
#include <cstring>

#include "core/error.h"
#include "data/bytes.h"
#include "data/decode.h"
#include "data/inspect.h"

namespace alx {
namespace {

constexpr size_t file_header = 14, info_header = 40, header_end = file_header + info_header;
constexpr uint64_t masked = 3;  // of `compression`: bit masks say where the colours lie

struct BmpHeader {
  uint64_t size = 0;              // of what follows the file's header
  bool old = false;               // OS/2's: no compression, colours of three bytes
  int64_t width = 0, height = 0;  // a negative height: rows from the top down
  uint64_t bits = 0, compression = 0, colours = 0, pixels = 0;

  uint64_t row_bytes() const {
    return (static_cast<uint64_t>(std::max<int64_t>(width, 0)) * bits + 31) / 32 * 4;
  }
  uint64_t palette_end() const { return file_header + size + colours * (old ? 3 : 4); }
};

BmpHeader bmp_header(const ByteView& view, const std::string& what) {
  BmpHeader h;
  h.size = view.le32(14);
  h.old = h.size == 12;
  const size_t least = h.old ? 26 : header_end;
  if (view.size() < least)
    cut_off(what, "BMP", cat("its header has ", least, " bytes, the file ", view.size()));
  h.width = h.old ? int64_t{view.le16(18)} : int64_t{static_cast<int32_t>(view.le32(18))};
  h.height = h.old ? int64_t{view.le16(20)} : int64_t{static_cast<int32_t>(view.le32(22))};
  h.bits = view.le16(h.old ? 24 : 28);
  h.compression = h.old ? 0 : view.le32(30);
  h.pixels = view.le32(10);
  const uint64_t listed = h.old || h.bits > 8 ? 0 : view.le32(46);
  const bool sound = (h.old || h.size >= info_header) && h.bits >= 1 && h.bits <= 32 &&
                     h.compression <= masked && listed <= 256;
  check(sound, Code::bad_file, what, ": damaged or unusual BMP file: a header of ", h.size,
        " bytes, ", h.bits, " bits a pixel, compression ", h.compression, ", ", listed,
        " colours; save it as PNG");
  h.colours = h.bits > 8 ? 0 : listed > 0 ? listed : uint64_t{1} << h.bits;
  return h;
}

// Where a colour lies in a pixel of 16 or 32 bits. Its largest value becomes 255.
class Mask {
 public:
  explicit Mask(uint32_t mask) : shift_(std::countr_zero(mask)), most_(mask >> (shift_ & 31)) {}
  bool sound() const { return most_ != 0 && std::has_single_bit(uint64_t{most_} + 1); }
  uint8_t of(uint32_t pixel) const {  // rounded down, as Pillow does it
    return static_cast<uint8_t>(uint64_t{pixel >> shift_ & most_} * 255 / most_);
  }

 private:
  int shift_;
  uint32_t most_;
};

using BmpMasks = std::array<Mask, 3>;

BmpMasks masks_of(const BmpHeader& h, const ByteView& view) {
  if (h.compression == masked)
    return {Mask(view.le32(header_end)), Mask(view.le32(header_end + 4)),
            Mask(view.le32(header_end + 8))};
  if (h.bits == 16) return {Mask(0x7C00), Mask(0x3E0), Mask(0x1F)};
  return {Mask(0xFF0000), Mask(0xFF00), Mask(0xFF)};
}

void row_by_palette(const uint8_t* in, const BmpHeader& h, const uint8_t (*palette)[3],
                    uint8_t* out) {
  const size_t in_byte = 8 / h.bits, last = (size_t{1} << h.bits) - 1;
  for (size_t x = 0; x < static_cast<size_t>(h.width); ++x, out += 3) {
    const size_t shift = (in_byte - 1 - x % in_byte) * h.bits;
    std::copy_n(palette[in[x / in_byte] >> shift & last], 3, out);
  }
}

template <class Pixel>
void row_by_masks(const uint8_t* in, const BmpHeader& h, const BmpMasks& masks, uint8_t* out) {
  for (int64_t x = 0; x < h.width; ++x, in += sizeof(Pixel), out += 3) {
    uint32_t pixel = 0;
    for (size_t i = sizeof(Pixel); i-- > 0;) pixel = pixel << 8 | in[i];
    for (size_t c = 0; c < 3; ++c) out[c] = masks[c].of(pixel);
  }
}

void row_of_bytes(const uint8_t* in, int64_t width, uint8_t* out) {
  for (int64_t x = 0; x < width; ++x, in += 3, out += 3)
    out[0] = in[2], out[1] = in[1], out[2] = in[0];
}

void put(std::vector<std::byte>& bytes, size_t at, size_t count, uint64_t value) {
  for (size_t i = 0; i < count; ++i) bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

}  // namespace

ImageInfo inspect_bmp(ImageBytes bytes, const std::string& what, const Limits& limits) {
  const ByteView view(bytes);
  const BmpHeader h = bmp_header(view, what);
  ImageInfo info{ImageKind::bmp};
  info.width = h.width;
  info.height = std::abs(h.height);
  info.run_lengths = h.compression == 1 || h.compression == 2;
  const uint64_t pixels =
      info.run_lengths ? view.le32(34) : h.row_bytes() * static_cast<uint64_t>(info.height);
  const uint64_t needed = std::max(h.palette_end(), h.pixels + pixels);
  if (needed > bytes.size())
    cut_off(what, "BMP", cat("it should have ", needed, " bytes and has ", bytes.size()));
  check_pixels(info, what, limits);
  // two bytes stand for 255 pixels at most
  const int64_t most_packed = 128 * static_cast<int64_t>(bytes.size());
  if (info.run_lengths && info.width * info.height > most_packed)
    cut_off(
        what, "BMP",
        cat("its ", bytes.size(), " bytes cannot hold ", info.width, "x", info.height, " pixels"));
  return info;
}

Image decode_bmp(std::span<const std::byte> encoded, const ImageInfo& info,
                 const std::string& what) {
  const ByteView view(encoded);
  const BmpHeader h = bmp_header(view, what);
  const bool by_palette = h.bits == 1 || h.bits == 4 || h.bits == 8;
  const bool by_masks = h.bits == 16 || h.bits == 32;
  const BmpMasks masks = masks_of(h, view);
  const bool masks_sound =
      std::all_of(masks.begin(), masks.end(), [](const Mask& m) { return m.sound(); });
  check(by_palette || h.bits == 24 || by_masks, Code::bad_file, what, ": a BMP of ", h.bits,
        " bits a pixel; save it as PNG");
  check(h.compression == 0 || (by_masks && masks_sound), Code::bad_file, what,
        ": a BMP of unusual colours; save it as PNG");
  uint8_t palette[256][3] = {};
  for (size_t i = 0, at = file_header + h.size; i < h.colours; ++i, at += h.old ? 3 : 4)
    for (size_t c = 0; c < 3; ++c) palette[i][c] = view.u8(at + 2 - c);
  Image image = black_image(info.width, info.height);
  const auto* in = reinterpret_cast<const uint8_t*>(encoded.data()) + h.pixels;
  for (int64_t y = 0; y < info.height; ++y, in += h.row_bytes()) {
    const int64_t row = h.height < 0 ? y : info.height - 1 - y;
    uint8_t* out = image.pixels.data() + row * info.width * 3;
    if (by_palette) {
      row_by_palette(in, h, palette, out);
    } else if (h.bits == 24) {
      row_of_bytes(in, h.width, out);
    } else if (h.bits == 16) {
      row_by_masks<uint16_t>(in, h, masks, out);
    } else {
      row_by_masks<uint32_t>(in, h, masks, out);
    }
  }
  return image;
}

std::vector<std::byte> encode_bmp(const Image& image) {
  const auto width = static_cast<size_t>(image.width), height = static_cast<size_t>(image.height);
  const size_t row_bytes = (width * 3 + 3) / 4 * 4;
  std::vector<std::byte> bytes(header_end + row_bytes * height);
  put(bytes, 0, 2, 0x4D42);  // "BM"
  put(bytes, 2, 4, bytes.size());
  put(bytes, 10, 4, header_end);
  put(bytes, 14, 4, info_header);
  put(bytes, 18, 4, width);
  put(bytes, 22, 4, height);
  put(bytes, 26, 2, 1);  // planes
  put(bytes, 28, 2, 24);
  for (size_t y = 0; y < height; ++y)
    row_of_bytes(image.pixels.data() + (height - 1 - y) * width * 3, image.width,
                 reinterpret_cast<uint8_t*>(bytes.data()) + header_end + y * row_bytes);
  return bytes;
}

}  // namespace alx
