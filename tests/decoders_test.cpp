// What decoders warn of, animations, and pictures of OpenCV's plug-in.
#include <gtest/gtest.h>

#include "core/log.h"
#include "core/plugin.h"
#include "data/decode.h"
#include "golden_files.h"
#include "refusal.h"

namespace alx {
namespace {

// The log's lines and what a decoder writes to stderr while it lives.
class Heard {
 public:
  Heard() {
    set_log_sink([this](LogLevel level, const std::string& line) {
      lines_.push_back((level == LogLevel::warning ? "warning: " : "") + line);
    });
    testing::internal::CaptureStderr();
  }
  ~Heard() {
    EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
    set_log_sink({});
  }
  Heard(const Heard&) = delete;
  Heard& operator=(const Heard&) = delete;
  const std::vector<std::string>& lines() const { return lines_; }

 private:
  std::vector<std::string> lines_;
};

std::string le(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

Image decode(const std::string& bytes, const std::string& what = "a/picture.x") {
  return decode_image(std::as_bytes(std::span(bytes)), what);
}

std::string first_frame(const std::string& file) {
  const Heard heard;
  const Image image = read_image(golden(file));
  EXPECT_EQ(heard.lines().size(), 1u);
  return heard.lines().empty() ? "" : heard.lines()[0];
}

TEST(Animation, GivesItsFirstPictureAndSaysSo) {
  const std::string gif = first_frame("moving.gif");
  EXPECT_TRUE(has(gif, "moving.gif: an animated GIF of 3 pictures; its first one is taken"));
  std::string one = bytes_of(golden("moving.gif"));
  const Image whole = decode(one);
  const Heard heard;  // a file that ends behind the first picture is whole as far as it is read
  one.resize(one.size() / 2);
  EXPECT_EQ(difference(decode(one), whole), 0);
  EXPECT_TRUE(heard.lines().empty());
}

TEST(Gif, ThatIsCutOffOrDamagedIsRefused) {
  const std::string whole = bytes_of(golden("still.gif"));
  const auto refused = [](const std::string& bytes) {
    return error_of([&] { decode(bytes); }, Code::bad_file);
  };
  for (size_t size = 16; size + 2 < whole.size(); ++size)
    EXPECT_TRUE(has(refused(whole.substr(0, size)), "cut off GIF file")) << size;
  std::string damaged = whole;
  damaged.replace(61 + 13, 8, 8, '\xFF');  // pieces that are not known yet
  EXPECT_TRUE(has(refused(damaged), "its data end after"));
  damaged = whole;
  damaged.replace(6, 2, "\4\0", 2);  // less wide than its picture
  EXPECT_TRUE(has(refused(damaged), "lies outside its 4x16"));
  std::string bomb = "GIF89a" + le(11000, 2) + le(11000, 2) + std::string("\x80\0\0", 3) +
                     std::string(6, 'c') + "," + le(0, 4) + le(11000, 2) + le(11000, 2) +
                     std::string("\0\2\1\1\0;", 6);
  EXPECT_TRUE(has(refused(bomb), "cannot hold 11000x11000"));
}

TEST(Bmp, WritesWhatItReads) {
  const Image image = golden_ppm("rgb.ppm");
  for (const int64_t width : {1, 2, 3, 5}) {
    const Image part = crop(image, 0, 0, width, 7);
    const auto bytes = encode_pixels(part, ImageKind::bmp, 0);
    EXPECT_EQ(difference(decode_image(bytes, "x"), part), 0);
  }
}

// A header of 40 bytes, and what follows it.
std::string bmp(int64_t width, int64_t height, int bits, int compression, const std::string& more,
                size_t masks = 0) {
  return "BM" + le(54 + more.size(), 4) + le(0, 4) + le(54 + masks, 4) + le(40, 4) +
         le(static_cast<uint64_t>(width), 4) + le(static_cast<uint64_t>(height), 4) + le(1, 2) +
         le(static_cast<uint64_t>(bits), 2) + le(static_cast<uint64_t>(compression), 4) +
         std::string(20, '\0') + more;
}

TEST(Bmp, MasksSayWhereColoursLie) {
  const std::string masks = le(0xFF, 4) + le(0xFF00, 4) + le(0x3FF0000, 4);
  const Image image = decode(bmp(2, -1, 32, 3, masks + le(0x3FF8001, 4) + le(0x1000000, 4), 12));
  EXPECT_EQ(image.pixels, (std::vector<uint8_t>{1, 128, 255, 0, 0, 63}));
  const std::string holes = le(0xF0F, 4) + le(0xF0, 4) + le(0xF000, 4);
  EXPECT_TRUE(has(error_of([&] { decode(bmp(1, 1, 16, 3, holes + le(0, 4), 12)); }, Code::bad_file),
                  "unusual colours"));
  EXPECT_TRUE(has(error_of([&] { decode(bmp(1, 1, 2, 0, std::string(40, '\0'))); }, Code::bad_file),
                  "2 bits a pixel"));
}

#ifdef ALEXNET_LIBRARIES

std::string be(uint64_t value, int bytes) {
  const std::string text = le(value, bytes);
  return {text.rbegin(), text.rend()};
}

// One warning, which names the picture.
void expect_warning(const std::string& bytes, const std::string& words) {
  const Heard heard;
  decode(bytes);
  ASSERT_EQ(heard.lines().size(), 1u) << words;
  EXPECT_TRUE(heard.lines()[0].starts_with("warning: a/picture.x: ")) << heard.lines()[0];
  EXPECT_TRUE(has(heard.lines()[0], words));
}

TEST(Animation, OfWebPGivesItsFirstPicture) {
  const std::string said = first_frame("animated.webp");
  EXPECT_TRUE(has(said, "animated.webp: an animated WebP of 2 pictures; its first one is taken"));
  EXPECT_EQ(difference(read_image(golden("animated.webp")), golden_ppm("rgb.ppm")), 0);
}

// Of one colour, on a larger canvas: what lies beside it is white.
TEST(Animation, OfWebPMayStartWithAPartOfThePicture) {
  const auto chunk = [](const std::string& tag, const std::string& data) {
    return tag + le(data.size(), 4) + data + (data.size() % 2 != 0 ? std::string(1, '\0') : "");
  };
  const std::string pixels = chunk("VP8L", "\x2F" + le(3 | 1 << 14, 4) + "\x88\x88\x88\x08");
  const auto file = [&](uint64_t x, uint64_t y) {
    const std::string chunks =
        chunk("VP8X", std::string("\2\0\0\0", 4) + le(9, 3) + le(5, 3)) +
        chunk("ANIM", std::string(6, '\0')) +
        chunk("ANMF", le(x / 2, 3) + le(y / 2, 3) + le(3, 3) + le(1, 3) + le(0, 4) + pixels);
    return "RIFF" + le(chunks.size() + 4, 4) + "WEBP" + chunks;
  };
  const Image image = decode(file(2, 4));
  ASSERT_EQ(image.width, 10);
  ASSERT_EQ(image.height, 6);
  EXPECT_EQ(image.pixels[0], 255);
  EXPECT_TRUE(has(error_of([&] { decode(file(8, 4)); }, Code::bad_file), "lies outside"));
  EXPECT_TRUE(has(error_of([&] { decode(file(2, 6)); }, Code::bad_file), "lies outside"));
}

TEST(Warnings, OfJpegGoToTheLogWithTheName) {
  const auto made = encode_pixels(resize(golden_ppm("rgb.ppm"), 320, 200), ImageKind::jpeg, 95);
  const std::string jpeg(reinterpret_cast<const char*>(made.data()), made.size());
  expect_warning(jpeg.substr(0, jpeg.size() / 2) + "\xFF\xD9", "premature end");
  std::string stray = jpeg;
  stray.insert(stray.find("\xFF\xDB"), "stray");
  expect_warning(stray, "5 extraneous bytes");
  stray.insert(stray.find("\xFF\xC4"), "more");
  expect_warning(stray, "and 1 more such");
  const Heard heard;
  EXPECT_EQ(decode(jpeg).width, 320);
  EXPECT_TRUE(heard.lines().empty());
}

std::string png_with(const std::string& chunk, uint64_t sum) {
  std::string png = bytes_of(golden("rgb.png"));
  return png.insert(33, be(chunk.size() - 4, 4) + chunk + be(sum, 4));
}

TEST(Warnings, OfPngGoToTheLogWithTheName) {
  // Transparency of a picture in colour takes six bytes.
  expect_warning(png_with(std::string("tRNS\0\0\0", 7), 0xFA76C4DE), "tRNS");
  expect_warning(png_with("tEXtkey", 1), "CRC");
}

TEST(Warnings, NoneWherePixelsCannotBeDecoded) {
  std::string jpeg = bytes_of(golden("jpeg.jpg"));
  jpeg[jpeg.find("\xFF\xDB") + 4] = '\x0F';  // a table of that number there is not
  const Heard heard;
  const std::string why = error_of([&] { decode(jpeg); }, Code::bad_file);
  EXPECT_TRUE(has(why, "a/picture.x: damaged picture file"));
  EXPECT_TRUE(has(why, "DQT"));
  EXPECT_TRUE(heard.lines().empty());
}

// The plug-in's own folder is looked for from the library on.
bool plugin_is_there() {
  std::string reasons;
  return plugin_function("libalexnet_opencv.so", "alexnet_opencv_decode_1", reasons) != nullptr;
}

class Plugin : public testing::Test {
 protected:
  void SetUp() override {
    if (!plugin_is_there()) GTEST_SKIP() << "this build has no OpenCV";
  }
};

TEST_F(Plugin, ReadsTiffAsPillowDoes) {
  for (const std::string name :
       {"rgb_tiff", "palette_tiff", "one_bit_tiff", "turned_1", "turned_2", "turned_3", "turned_4",
        "turned_5", "turned_6", "turned_7", "turned_8"}) {
    const Heard heard;
    EXPECT_EQ(difference(read_image(golden(name + ".tif")), golden_ppm(name + ".ppm")), 0) << name;
    EXPECT_TRUE(heard.lines().empty());
  }
  EXPECT_LE(difference(read_image(golden("alpha_tiff.tif")), golden_ppm("alpha_tiff.ppm")), 1);
}

TEST_F(Plugin, ReadsPnmAndRunLengths) {
  EXPECT_EQ(difference(read_image(golden("rgb.ppm")), golden_ppm("rgb.ppm")), 0);
  const std::string wide("P5 # as some write\n2 1\n65535\n\x80\x01\xFF\xFE", 33);
  EXPECT_EQ(decode(wide).pixels, (std::vector<uint8_t>{128, 128, 128, 255, 255, 255}));
  EXPECT_TRUE(has(error_of([&] { decode(wide.substr(0, 32)); }, Code::bad_file), "cut off PNM"));
  // A palette of two colours; three pixels of the second, one of the first.
  std::string packed = bmp(4, 1, 8, 1, std::string("\0\0\0\0\1\2\3\0\3\1\1\0\0\1", 14), 8);
  packed.replace(34, 4, le(6, 4));
  packed.replace(46, 4, le(2, 4));
  EXPECT_EQ(decode(packed).pixels, (std::vector<uint8_t>{3, 2, 1, 3, 2, 1, 3, 2, 1, 0, 0, 0}));
}

TEST_F(Plugin, RefusesDamageInWordsAndInSilence) {
  const std::string whole = bytes_of(golden("rgb_tiff.tif"));
  for (size_t size = 16; size < whole.size(); size += 13)
    EXPECT_TRUE(has(error_of([&] { decode(whole.substr(0, size)); }, Code::bad_file), "cut off"))
        << size;
  const Heard heard;
  for (size_t at = 0; at < whole.size(); ++at)
    for (const char value : {'\0', '\x7F', '\xFF'}) {
      std::string damaged = whole;
      damaged[at] = value;
      try {
        decode(damaged);
      } catch (const Error& error) {
        EXPECT_EQ(error.code(), Code::bad_file) << error.what();
      }
    }
}

TEST(PluginFile, ThatIsMissingIsNamed) {
  std::string reasons;
  EXPECT_EQ(plugin_function("libalexnet_none.so", "f", reasons), nullptr);
  EXPECT_TRUE(has(reasons, "there is none of "));
  EXPECT_TRUE(has(reasons, "/lib/alexnet/libalexnet_none.so"));
  if (plugin_is_there()) {
    EXPECT_EQ(plugin_function("libalexnet_opencv.so", "f", reasons), nullptr);
    EXPECT_TRUE(has(reasons, "is of another version"));
  } else {
    EXPECT_TRUE(has(error_of([] { read_image(golden("rgb_tiff.tif")); }, Code::unsupported),
                    "rgb_tiff.tif: TIFF files are read by the plug-in libalexnet_opencv.so"));
  }
}

#endif  // ALEXNET_LIBRARIES

}  // namespace
}  // namespace alx
