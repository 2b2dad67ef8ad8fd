// JPEG by libjpeg-turbo.
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
// The order matters: it needs stdio.h.
#include <jerror.h>
#include <jpeglib.h>

#include "core/error.h"
#include "data/decode.h"

namespace alx {
namespace {

// libjpeg leaves on errors by longjmp and calls back from C: what lies between must have no
// destructor and throw nothing, so messages are kept in plain arrays.
struct JpegMessages {
  jpeg_error_mgr manager;  // the first member: libjpeg knows this address alone
  std::jmp_buf back;
  char fault[JMSG_LENGTH_MAX], warning[JMSG_LENGTH_MAX];  // the first warning
};

JpegMessages& messages_of(j_common_ptr state) {
  return *reinterpret_cast<JpegMessages*>(state->err);
}

void leave(j_common_ptr state) {
  JpegMessages& messages = messages_of(state);
  messages.manager.format_message(state, messages.fault);
  std::longjmp(messages.back, 1);
}

void keep_warning(j_common_ptr state, int level) {
  JpegMessages& messages = messages_of(state);
  if (level >= 0) return;  // a trace
  if (messages.manager.num_warnings++ == 0)
    messages.manager.format_message(state, messages.warning);
}

jpeg_error_mgr* listen(JpegMessages& messages) {
  jpeg_error_mgr* manager = jpeg_std_error(&messages.manager);
  manager->error_exit = leave;
  manager->emit_message = keep_warning;
  manager->output_message = [](j_common_ptr) {};  // never to stderr
  return manager;
}

[[noreturn]] void fail_jpeg(const JpegMessages& messages, const std::string& what) {
  check(messages.manager.msg_code != JERR_OUT_OF_MEMORY, Code::out_of_memory, what,
        ": too little memory for this JPEG");
  fail_undecodable(what, messages.fault);
}

struct JpegReader {
  jpeg_decompress_struct state{};
  JpegMessages messages{};
  JpegReader() { state.err = listen(messages); }
  ~JpegReader() { jpeg_destroy_decompress(&state); }
  JpegReader(const JpegReader&) = delete;
  JpegReader& operator=(const JpegReader&) = delete;
};

// Inverted inks, as Adobe's programs store them.
void cmyk_row_to_rgb(const JSAMPLE* in, size_t width, uint8_t* out) {
  for (size_t x = 0; x < width; ++x, in += 4, out += 3)
    for (int c = 0; c < 3; ++c) out[c] = static_cast<uint8_t>(in[3] - ((255 - in[c]) * in[3] >> 8));
}

// Into rows of exactly that size. False: the messages say why not.
bool read_jpeg(JpegReader& reader, std::span<const std::byte> encoded, int shrink, int64_t width,
               int64_t height, uint8_t* pixels) {
  jpeg_decompress_struct& state = reader.state;
  if (setjmp(reader.messages.back) != 0) return false;
  jpeg_create_decompress(&state);
  jpeg_mem_src(&state, reinterpret_cast<const unsigned char*>(encoded.data()), encoded.size());
  jpeg_read_header(&state, TRUE);
  const bool inks = state.num_components == 4;
  state.out_color_space = inks ? JCS_CMYK : JCS_RGB;
  state.scale_num = 1;
  state.scale_denom = static_cast<unsigned>(shrink);
  jpeg_calc_output_dimensions(&state);
  if (state.output_width != width || state.output_height != height) {
    std::strcpy(reader.messages.fault, "another size");
    return false;
  }
  jpeg_start_decompress(&state);
  const JSAMPARRAY ink_row = state.mem->alloc_sarray(reinterpret_cast<j_common_ptr>(&state),
                                                     JPOOL_IMAGE, state.output_width * 4, 1);
  while (state.output_scanline < state.output_height) {
    JSAMPROW row = pixels + size_t{state.output_scanline} * state.output_width * 3;
    jpeg_read_scanlines(&state, inks ? ink_row : &row, 1);
    if (inks) cmyk_row_to_rgb(ink_row[0], state.output_width, row);
  }
  return true;
}

// What follows the last pixel, for its warnings.
bool finish_jpeg(JpegReader& reader) {
  if (setjmp(reader.messages.back) != 0) return false;
  jpeg_finish_decompress(&reader.state);
  return true;
}

struct JpegWriter {
  jpeg_compress_struct state{};
  JpegMessages messages{};
  unsigned char* bytes = nullptr;  // by malloc, of libjpeg
  unsigned long size = 0;
  JpegWriter() { state.err = listen(messages); }
  ~JpegWriter() {
    jpeg_destroy_compress(&state);
    std::free(bytes);
  }
  JpegWriter(const JpegWriter&) = delete;
  JpegWriter& operator=(const JpegWriter&) = delete;
};

bool write_jpeg(JpegWriter& writer, const uint8_t* pixels, unsigned width, unsigned height,
                int quality) {
  jpeg_compress_struct& state = writer.state;
  if (setjmp(writer.messages.back) != 0) return false;
  jpeg_create_compress(&state);
  jpeg_mem_dest(&state, &writer.bytes, &writer.size);
  state.image_width = width;
  state.image_height = height;
  state.input_components = 3;
  state.in_color_space = JCS_RGB;
  jpeg_set_defaults(&state);
  jpeg_set_quality(&state, quality, TRUE);
  jpeg_start_compress(&state, TRUE);
  while (state.next_scanline < state.image_height) {
    // libjpeg only reads the row but has no type for constant ones
    JSAMPROW row = const_cast<JSAMPROW>(pixels + size_t{state.next_scanline} * width * 3);
    jpeg_write_scanlines(&state, &row, 1);
  }
  jpeg_finish_compress(&state);
  return true;
}

}  // namespace

Image decode_jpeg(std::span<const std::byte> encoded, const ImageInfo& info, int shrink,
                  const std::string& what) {
  Image image =
      black_image((info.width + shrink - 1) / shrink, (info.height + shrink - 1) / shrink);
  JpegReader reader;
  if (!read_jpeg(reader, encoded, shrink, image.width, image.height, image.pixels.data()))
    fail_jpeg(reader.messages, what);
  if (!finish_jpeg(reader)) log_decoder(what, reader.messages.fault, 0);
  log_decoder(what, reader.messages.warning, reader.messages.manager.num_warnings - 1);
  return image;
}

std::vector<std::byte> encode_jpeg(const Image& image, int quality) {
  JpegWriter writer;
  if (!write_jpeg(writer, image.pixels.data(), static_cast<unsigned>(image.width),
                  static_cast<unsigned>(image.height), quality))
    fail(Code::internal, "a picture of ", image.width, "x", image.height,
         " could not be encoded: ", writer.messages.fault);
  const auto bytes = std::as_bytes(std::span(writer.bytes, writer.size));
  return {bytes.begin(), bytes.end()};
}

}  // namespace alx
