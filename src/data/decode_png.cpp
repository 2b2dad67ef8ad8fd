// PNG by libpng.
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "core/error.h"
#include "data/decode.h"

namespace alx {
namespace {

// libpng leaves on errors by longjmp and calls back from C: what lies between must have no
// destructor and throw nothing, so messages are kept in plain arrays.
struct PngReader {
  png_structp png = nullptr;
  png_infop info = nullptr;
  std::span<const std::byte> left;  // not yet read
  char fault[200] = "", warning[200] = "";
  int64_t warnings = 0;

  PngReader() = default;
  ~PngReader() { png_destroy_read_struct(&png, &info, nullptr); }
  PngReader(const PngReader&) = delete;
  PngReader& operator=(const PngReader&) = delete;
};

template <size_t size>
void copy_text(char (&to)[size], const char* text) {
  const size_t length = std::min(std::strlen(text), size - 1);
  std::memcpy(to, text, length);
  to[length] = '\0';
}

[[noreturn]] void leave_png(png_structp png, png_const_charp text) {
  auto& reader = *static_cast<PngReader*>(png_get_error_ptr(png));
  copy_text(reader.fault, text);
  png_longjmp(png, 1);
}

void keep_png_warning(png_structp png, png_const_charp text) {
  auto& reader = *static_cast<PngReader*>(png_get_error_ptr(png));
  if (reader.warnings++ == 0) copy_text(reader.warning, text);
}

void give_bytes(png_structp png, png_bytep to, size_t count) {
  auto& reader = *static_cast<PngReader*>(png_get_io_ptr(png));
  if (count > reader.left.size()) png_error(png, "it ends too early");
  std::memcpy(to, reader.left.data(), count);
  reader.left = reader.left.subspan(count);
}

// Up to the pixels, which will be RGB or RGBA of 8 bits: of 16 the high byte, as Pillow takes it.
// False: the fault says why not.
bool begin_png(PngReader& reader) {
  reader.png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, leave_png, keep_png_warning);
  if (reader.png == nullptr) return false;
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  reader.info = png_create_info_struct(reader.png);
  if (reader.info == nullptr) return false;
  png_set_read_fn(reader.png, &reader, give_bytes);
  // What pixels do not need is passed over: text may unpack to much.
  png_set_keep_unknown_chunks(reader.png, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
  png_read_info(reader.png, reader.info);
  png_set_expand(reader.png);  // palettes, depths below 8, transparent colours
  png_set_strip_16(reader.png);
  png_set_gray_to_rgb(reader.png);
  png_set_interlace_handling(reader.png);
  png_read_update_info(reader.png, reader.info);
  return true;
}

bool finish_png(PngReader& reader, png_bytepp rows) {
  if (setjmp(png_jmpbuf(reader.png)) != 0) return false;
  png_read_image(reader.png, rows);
  png_read_end(reader.png, nullptr);
  return true;
}

std::vector<png_bytep> rows_of(std::vector<uint8_t>& pixels, int64_t height) {
  std::vector<png_bytep> rows(static_cast<size_t>(height));
  for (size_t y = 0; y < rows.size(); ++y)
    rows[y] = pixels.data() + y * (pixels.size() / rows.size());
  return rows;
}

}  // namespace

Image decode_png(std::span<const std::byte> encoded, const ImageInfo& info,
                 const std::string& what) {
  PngReader reader;
  reader.left = encoded;
  if (!begin_png(reader)) fail_undecodable(what, reader.fault);
  Image image = black_image(info.width, info.height);
  const size_t channels = png_get_channels(reader.png, reader.info);
  const bool alpha = channels == 4;
  if (png_get_rowbytes(reader.png, reader.info) != static_cast<size_t>(info.width) * channels ||
      png_get_image_height(reader.png, reader.info) != info.height || (channels != 3 && !alpha))
    fail_undecodable(what, "another size");
  std::vector<uint8_t> with_alpha(alpha ? image.pixels.size() / 3 * 4 : 0);
  std::vector<png_bytep> rows = rows_of(alpha ? with_alpha : image.pixels, info.height);
  if (!finish_png(reader, rows.data())) fail_undecodable(what, reader.fault);
  const uint8_t* in = with_alpha.data();
  if (alpha)
    for (uint8_t *out = image.pixels.data(), *end = out + image.pixels.size(); out != end;
         out += 3, in += 4)
      for (int c = 0; c < 3; ++c) out[c] = over_white(in[c], in[3]);
  log_decoder(what, reader.warning, reader.warnings - 1);
  return image;
}

}  // namespace alx
