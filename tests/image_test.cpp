// Decoding, against what Pillow makes of the same files, and what is refused.
#include "data/image.h"

#include <gtest/gtest.h>

#include <cstring>
#include <span>

#include "data/container.h"
#include "data/dataset.h"
#include "golden_files.h"
#include "refusal.h"

namespace alx {
namespace {

Image decode(const std::string& bytes, const std::string& what = "picture", int64_t at_least = 0) {
  return decode_image(std::as_bytes(std::span(bytes)), what, at_least);
}

std::string refused(const std::string& bytes, Code code = Code::bad_file) {
  return error_of([&] { decode(bytes); }, code);
}

// JPEG decoders may differ by a little; the lossless kinds may not. Windows' decoders are Wine's in
// the tests: these spread the colours of JPEG over the pixels in another way than Pillow, take YCCK
// for CMYK, and know no WebP.
#ifdef ALEXNET_DECODER_WIC
constexpr int jpeg_tolerance = 8;
constexpr bool reads_ycck = false, reads_webp = false, shrinks = false;
#else
constexpr int jpeg_tolerance = 1;
constexpr bool reads_ycck = true, reads_webp = true, shrinks = true;
#endif

bool comparable(const std::string& file) {
  return (reads_ycck || file != "ycck.jpg") && (reads_webp || !file.ends_with(".webp"));
}

struct Case {
  const char* file;
  int tolerance;
};

class Decoded : public testing::TestWithParam<Case> {};

TEST_P(Decoded, AsPillowDoes) {
  const std::string file = GetParam().file;
  if (!comparable(file))
    GTEST_SKIP() << "Wine's decoders do not read " << file << " as Pillow does";
  const Image image = read_image(golden(file));
  EXPECT_LE(difference(image, golden_ppm(file.substr(0, file.find('.')) + ".ppm")),
            GetParam().tolerance)
      << file;
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Decoded,
    testing::Values(Case{"jpeg.jpg", jpeg_tolerance}, Case{"progressive.jpg", jpeg_tolerance},
                    Case{"grey_jpeg.jpg", 1}, Case{"cmyk.jpg", 2}, Case{"ycck.jpg", 2},
                    Case{"exif_1.jpg", jpeg_tolerance}, Case{"exif_2.jpg", jpeg_tolerance},
                    Case{"exif_3.jpg", jpeg_tolerance}, Case{"exif_4.jpg", jpeg_tolerance},
                    Case{"exif_5.jpg", jpeg_tolerance}, Case{"exif_6.jpg", jpeg_tolerance},
                    Case{"exif_7.jpg", jpeg_tolerance}, Case{"exif_8.jpg", jpeg_tolerance},
                    Case{"rgb.png", 0}, Case{"rgba_turned.png", 1}, Case{"grey_alpha.png", 1},
                    Case{"grey.png", 0}, Case{"one_bit.png", 0}, Case{"palette.png", 0},
                    Case{"palette_alpha.png", 1}, Case{"rgb_key.png", 0}, Case{"rgb_16.png", 0},
                    Case{"grey_16.png", 0}, Case{"grey_2.png", 0}, Case{"lossy.webp", 1},
                    Case{"alpha.webp", 1}, Case{"turned.webp", 0}, Case{"rgb_bmp.bmp", 0},
                    Case{"palette_bmp.bmp", 0}, Case{"bmp_565.bmp", 0}, Case{"bmp_555.bmp", 0},
                    Case{"still.gif", 0}, Case{"see_through.gif", 0}, Case{"full_table.gif", 0},
                    Case{"moving.gif", 0}),
    [](const testing::TestParamInfo<Case>& tested) {
      const std::string file = tested.param.file;
      return file.substr(0, file.find('.'));
    });

TEST(Image, EveryCutOffFileIsRefused) {
  for (const char* file : {"jpeg.jpg", "progressive.jpg", "exif_6.jpg", "rgb.png", "lossy.webp",
                           "alpha.webp", "rgb_bmp.bmp", "palette_bmp.bmp"}) {
    const std::string whole = bytes_of(golden(file));
    for (size_t length = 0; length < whole.size(); length += length < 64 ? 1 : 13) {
      const std::string text = refused(whole.substr(0, length));
      EXPECT_TRUE(has(text, "picture: ")) << file << " cut to " << length;
      EXPECT_TRUE(length < 16 || has(text, "cut off"))
          << file << " cut to " << length << ": " << text;
    }
    EXPECT_TRUE(has(refused(whole.substr(0, whole.size() - 1)), "cut off")) << file;
  }
}

TEST(Image, BytesBehindThePictureAreIgnored) {
  for (const char* file : {"jpeg.jpg", "rgb.png", "lossy.webp", "rgb_bmp.bmp"}) {
    if (!comparable(file)) continue;
    const std::string whole = bytes_of(golden(file));
    EXPECT_EQ(difference(decode(whole + std::string(1000, '\xFF')), decode(whole)), 0) << file;
  }
}

TEST(Image, StrayBytesBetweenJpegSegmentsAreSkipped) {
  std::string jpeg = bytes_of(golden("jpeg.jpg"));
  const Image whole = decode(jpeg);
  jpeg.insert(jpeg.find("\xFF\xDB"), "stray");
  testing::internal::CaptureStderr();
  EXPECT_EQ(difference(decode(jpeg), whole), 0);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Image, DamageNeverCrashes) {
  for (const char* file :
       {"rgb.png", "palette_alpha.png", "alpha.webp", "animated.webp", "rgb_bmp.bmp",
        "palette_bmp.bmp", "bmp_565.bmp", "still.gif", "see_through.gif", "exif_6.jpg"}) {
    const std::string whole = bytes_of(golden(file));
    for (size_t at = 0; at < std::min<size_t>(whole.size(), 200); ++at) {
      for (char value : {'\0', '\x7F', '\xFF'}) {
        std::string damaged = whole;
        damaged[at] = value;
        try {
          const Image image = decode(damaged);
          EXPECT_EQ(image.pixels.size(), static_cast<size_t>(image.width * image.height * 3));
        } catch (const Error& e) {
          EXPECT_EQ(e.code(), comparable(file) || e.code() == Code::bad_file ? Code::bad_file
                                                                             : Code::unsupported)
              << e.what();
        }
      }
    }
  }
}

TEST(Image, OtherContentIsNamed) {
  EXPECT_TRUE(has(refused(""), "is empty (0 bytes)"));
  EXPECT_TRUE(has(refused("<!DOCTYPE html>\n<html>404</html>"), "but text"));
  EXPECT_TRUE(has(refused(std::string("\0\0\0\x20"
                                      "ftypheic",
                                      12)),
                  "HEIC"));
  EXPECT_TRUE(has(refused("\x01\x02\xAB\xCD\xEF"), "bytes 01 02 ab cd"));
}

TEST(Image, FilesThatAreNone) {
  const TemporaryFolder folder;
  const auto refuse = [](const std::string& path, Code code) {
    const std::string text = error_of([&] { read_image(path); }, code);
    EXPECT_TRUE(has(text, path));
    return text;
  };
  EXPECT_TRUE(has(refuse(folder.path() + "/missing.jpg", Code::not_found), "no such file"));
  EXPECT_TRUE(has(refuse(folder.path(), Code::bad_file), "is a folder"));
  EXPECT_TRUE(has(refuse(folder.write("empty.jpg", ""), Code::bad_file), "is empty"));
  EXPECT_TRUE(has(refuse(folder.write("text.jpg", "a word\n"), Code::bad_file), "but text"));
}

std::string bmp_header(int32_t width, int32_t height, uint16_t bits = 24) {
  std::string bytes(54, '\0');
  const auto put = [&](size_t at, auto value) {
    std::memcpy(bytes.data() + at, &value, sizeof(value));
  };
  bytes[0] = 'B', bytes[1] = 'M';
  put(10, uint32_t{54});
  put(14, uint32_t{40});
  put(18, width);
  put(22, height);
  put(26, uint16_t{1});
  put(28, bits);
  return bytes;
}

TEST(Image, SmallestLongestAndTooLarge) {
  const Image one = decode(bmp_header(1, 1) + std::string("\1\2\3\0", 4));
  EXPECT_EQ(one.pixels, (std::vector<uint8_t>{3, 2, 1}));
  const Image strip = decode(bmp_header(20000, 3) + std::string(60000 * 3, 'a'));
  EXPECT_EQ(strip.width, 20000);
  EXPECT_EQ(strip.height, 3);
  std::string png = bytes_of(golden("rgb.png"));
  png.replace(16, 8, std::string("\0\1\0\0\0\1\0\0", 8));
  EXPECT_TRUE(has(refused(png), "does not match its checksum"));
  std::string webp = bytes_of(golden("turned.webp"));
  webp.replace(24, 6, "\xFF\xFF\0\xFF\xFF\0", 6);  // the canvas
  EXPECT_TRUE(has(refused(webp), "65536x65536 pixels; at most"));
  EXPECT_TRUE(has(refused(bmp_header(0, 5)), "its size is 0x5"));
  EXPECT_TRUE(has(refused(bmp_header(-7, 5)), "its size is -7x5"));
}

std::string be(uint64_t value, int bytes) {
  std::string text;
  for (int i = bytes; i-- > 0;) text += static_cast<char>(value >> (8 * i));
  return text;
}
std::string le(uint64_t value, int bytes) {
  const std::string text = be(value, bytes);
  return {text.rbegin(), text.rend()};
}

// A progressive JPEG of one grey component, with `scans` scans of a dozen bytes and `more` behind
// them.
std::string many_scans(uint64_t side, int scans, size_t more, uint64_t second_side = 0) {
  const auto frame = [](uint64_t size) {
    return "\xFF\xC2" + be(11, 2) + "\x08" + be(size, 2) + be(size, 2) +
           std::string("\1\1\x11\0", 4);
  };
  std::string file = "\xFF\xD8" + frame(side) + (second_side > 0 ? frame(second_side) : "");
  for (int i = 0; i < scans; ++i) file += std::string("\xFF\xDA\0\x08\1\1\0\1\x3F\1\0", 11);
  return file + std::string(more, '\0') + "\xFF\xD9";
}

TEST(Image, ScansTimesPixelsAreBounded) {
  const auto inspect = [](const std::string& file, const Limits& limits = {}) {
    return inspect_image(std::as_bytes(std::span(file)), "picture", limits);
  };
  EXPECT_TRUE(has(refused(many_scans(11585, 3000, 0)), "3000 scans over 11585x11585 pixels"));
  EXPECT_TRUE(has(refused(many_scans(11585, 17, 1 << 20)), "17 scans"));
  EXPECT_EQ(inspect(many_scans(11585, 16, 1 << 20)).width, 11585);
  EXPECT_TRUE(has(refused(many_scans(8, 1001, 0)), "at most 1000"));
  EXPECT_EQ(inspect(many_scans(8, 1000, 0)).width, 8);
  Limits limits;
  limits.scan_pixels = 12800;
  EXPECT_EQ(inspect(many_scans(80, 2, 100), limits).width, 80);
  limits.scan_pixels = 12799;
  EXPECT_TRUE(has(error_of([&] { inspect(many_scans(80, 2, 100), limits); }, Code::bad_file),
                  "12799 pixels are read"));
  EXPECT_TRUE(has(refused(many_scans(800, 1, 0)), "cannot hold the 800x800 pixels"));
  EXPECT_TRUE(
      has(refused(many_scans(80, 1, 100, 8000)), "a second frame header at byte 15 has 8000x8000"));
}

TEST(Image, EachKindHasTheCallersLimits) {
  for (const char* file : {"jpeg.jpg", "progressive.jpg", "rgb.png", "lossy.webp", "rgb_bmp.bmp"}) {
    if (!comparable(file)) continue;
    const std::string path = golden(file);
    const Image whole = read_image(path);
    Limits limits;
    limits.pixels = whole.width * whole.height;
    EXPECT_EQ(read_image(path, 0, limits).width, whole.width);
    --limits.pixels;
    EXPECT_TRUE(has(error_of([&] { read_image(path, 0, limits); }, Code::bad_file),
                    cat("at most ", limits.pixels)));
    limits = {};
    limits.bytes = static_cast<int64_t>(bytes_of(path).size());
    EXPECT_EQ(read_image(path, 0, limits).width, whole.width);
    --limits.bytes;
    EXPECT_TRUE(has(error_of([&] { read_image(path, 0, limits); }, Code::bad_file),
                    cat("than ", limits.bytes)));
  }
}

std::string riff(const std::string& chunks) {
  return "RIFF" + le(chunks.size() + 4, 4) + "WEBP" + chunks;
}
std::string chunk(const std::string& tag, std::string data) {
  const size_t size = data.size();
  if (size % 2 != 0) data += '\0';
  return tag + le(size, 4) + data;
}
std::string canvas(uint64_t width, uint64_t height) {
  return chunk("VP8X", std::string(4, '\0') + le(width - 1, 3) + le(height - 1, 3));
}
// One colour.
std::string lossless(uint64_t width, uint64_t height) {
  return chunk("VP8L", "\x2F" + le((width - 1) | (height - 1) << 14, 4) + "\x88\x88\x88\x08");
}

TEST(Image, WebPSaysItsSizeOnce) {
  const uint64_t most = 16383;
  if (reads_webp) {
    EXPECT_EQ(decode(riff(canvas(16, 9) + lossless(16, 9))).height, 9);
  }
  EXPECT_TRUE(has(refused(riff(canvas(most, most) + canvas(16, 16) + lossless(most, most))),
                  "header at byte 30"));
  EXPECT_TRUE(has(refused(riff(canvas(16, 16) + lossless(16, 9))),
                  "announces 16x16 pixels, its picture has 16x9"));
  EXPECT_TRUE(has(refused(riff(lossless(16, 16) + canvas(16, 16))), "header at byte 30"));
  EXPECT_TRUE(
      has(refused(riff(lossless(16, 16) + lossless(most, most))), "a second picture at byte 30"));
  EXPECT_TRUE(has(refused(riff(canvas(16, 16))), "its picture has 0x0"));
  EXPECT_TRUE(
      has(refused(riff(canvas(most, most) + lossless(most, most))), "16383x16383 pixels; at most"));
  EXPECT_TRUE(has(refused(riff(lossless(most, most))), "16383x16383 pixels; at most"));
}

std::string png_chunk(const std::string& type, const std::string& data) {
  uint32_t crc = 0xFFFFFFFF;
  for (const char c : type + data) {
    crc ^= static_cast<uint8_t>(c);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0xEDB88320u : 0);
  }
  return be(data.size(), 4) + type + data + be(~crc, 4);
}

TEST(Image, FewBytesHoldFewPixels) {
  const std::string magic("\x89PNG\r\n\x1a\n", 8), end = png_chunk("IEND", "");
  const auto header = [](uint64_t side) {
    return png_chunk("IHDR", be(side, 4) + be(side, 4) + std::string("\x10\6\0\0\0", 5));
  };
  EXPECT_TRUE(has(refused(magic + header(11585) + png_chunk("IDAT", std::string(1000, 'x')) + end),
                  "its 1000 bytes of pixels cannot hold the 11585x11585"));
  EXPECT_TRUE(has(refused(magic + header(1) + header(11585) + png_chunk("IDAT", "x") + end),
                  "second IHDR at byte 33"));
  std::string packed = bmp_header(11585, 11585, 8) + std::string(1024 + 100, '\0');
  packed[30] = 1;  // run lengths
  EXPECT_TRUE(has(refused(packed), "cannot hold 11585x11585 pixels"));
}

// Text that unpacks to much is no part of the picture and never unpacked.
TEST(Image, WhatPixelsDoNotNeedIsNotReadFromPng) {
  std::string png = bytes_of(golden("rgb.png"));
  png.insert(33, png_chunk("zTXt", std::string("a\0\0no deflate", 13)) +
                     png_chunk("iCCP", std::string("a\0\0no", 5)));
  testing::internal::CaptureStderr();
  EXPECT_EQ(difference(decode(png), golden_ppm("rgb.ppm")), 0);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(Image, ReducedDecodingKeepsTheShortSide) {
  if (!shrinks) GTEST_SKIP() << "Windows' decoder is asked for the whole picture";
  const TemporaryFolder folder;
  const std::string jpeg = bytes_of(golden("jpeg.jpg"));  // 24 x 16
  const auto size_at = [&](int64_t at_least) {
    const Image image = decode(jpeg, "jpeg", at_least);
    return std::pair(image.width, image.height);
  };
  using Size = std::pair<int64_t, int64_t>;
  EXPECT_EQ(size_at(0), Size(24, 16));
  EXPECT_EQ(size_at(9), Size(24, 16));
  EXPECT_EQ(size_at(8), Size(12, 8));
  EXPECT_EQ(size_at(4), Size(6, 4));
  EXPECT_EQ(size_at(1), Size(3, 2));
  const Image turned = decode(bytes_of(golden("exif_6.jpg")), "jpeg", 8);
  EXPECT_EQ(turned.width, 8);
  EXPECT_EQ(turned.height, 12);
  EXPECT_EQ(decode(bytes_of(golden("rgb.png")), "png", 1).width, 24);
}

TEST(Image, FolderSetReadsItsPictures) {
  const TemporaryFolder folder;
  folder.write("a/1.PNG", bytes_of(golden("rgb.png")));
  folder.write("b/1.jpeg", "no picture");
  const auto set = Dataset::open(folder.path());
  EXPECT_EQ(difference(set->image(0), golden_ppm("rgb.ppm")), 0);
  EXPECT_TRUE(has(error_of([&] { set->image(1); }, Code::bad_file), "1.jpeg"));
}

}  // namespace
}  // namespace alx
