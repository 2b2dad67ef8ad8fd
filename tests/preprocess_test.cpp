// Resizing against Pillow, network inputs against torchvision.
#include "data/preprocess.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

#include "golden_files.h"
#include "refusal.h"

namespace alx {
namespace {

InputSpec small_input(int64_t resize_size = 20) {
  InputSpec input;
  input.height = 16;
  input.width = 12;
  input.resize_size = resize_size;
  input.mean = {0.485f, 0.456f, 0.406f};
  input.std = {0.229f, 0.224f, 0.225f};
  return input;
}

// Pixel bytes come out as they are.
InputSpec plain_input(int64_t width, int64_t height) {
  InputSpec input;
  input.width = width;
  input.height = height;
  input.resize = InputSpec::Resize::none;
  input.scale = 255;
  return input;
}

std::vector<float> room(const InputSpec& input, int64_t images = 1) {
  return std::vector<float>(static_cast<size_t>(images * 3 * input.width * input.height));
}

// Pixel (x, y) is (x, y, 100).
Image ramp(int64_t width, int64_t height) {
  Image image{width, height, {}};
  for (int64_t y = 0; y < height; ++y) {
    for (int64_t x = 0; x < width; ++x) {
      image.pixels.insert(image.pixels.end(),
                          {static_cast<uint8_t>(x), static_cast<uint8_t>(y), 100});
    }
  }
  return image;
}

float worst(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  float most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

TEST(Resize, EqualsPillowBitForBit) {
  const Image source = golden_ppm("resize_source.ppm");
  for (const auto& [width, height] : std::array<std::pair<int, int>, 7>{
           {{20, 15}, {27, 40}, {60, 45}, {40, 9}, {7, 30}, {13, 3}, {38, 11}}}) {
    const std::string name = cat("resize_", width, "x", height, ".ppm");
    EXPECT_EQ(difference(resize(source, width, height), golden_ppm(name)), 0) << name;
  }
  EXPECT_EQ(difference(resize(source, 40, 30), source), 0);
}

TEST(Resize, WithoutAntialiasIsTwoPointBilinear) {
  const Image source = golden_ppm("resize_source.ppm");
  for (const auto& [width, height] :
       std::array<std::pair<int, int>, 3>{{{20, 15}, {60, 45}, {13, 3}}}) {
    const std::string name = cat("resize_plain_", width, "x", height, ".ppm");
    EXPECT_LE(difference(resize(source, width, height, false), golden_ppm(name)), 1) << name;
  }
}

TEST(Resize, ShortSideRoundsDownTheLongOne) {
  const Image wide = resize_short_side(ramp(50, 37), 20),
              tall = resize_short_side(ramp(37, 50), 20);
  EXPECT_EQ(wide.width, 27);  // 20 * 50 / 37 = 27.03
  EXPECT_EQ(wide.height, 20);
  EXPECT_EQ(tall.width, 20);
  EXPECT_EQ(tall.height, 27);
  const Image one = resize_short_side(Image{1, 1, {7, 8, 9}}, 5);
  EXPECT_EQ(one.pixels.size(), 75u);
  EXPECT_EQ(one.pixels[72], 7);
}

TEST(Resize, RefusesSizesThatCannotBe) {
  EXPECT_TRUE(has(error_of([] { resize(ramp(4, 4), 0, 3); }), "0x3"));
  EXPECT_TRUE(has(error_of([] { resize(ramp(4, 4), 1 << 20, 1 << 20); }), "1048576x1048576"));
  EXPECT_TRUE(has(error_of([] { resize(Image{4, 4, {1, 2}}, 2, 2); }), "with 2 bytes"));
  EXPECT_TRUE(has(error_of([] { resize_short_side(Image{}, 2); }), "0x0"));
  EXPECT_TRUE(has(error_of([] { crop(ramp(4, 4), 2, 0, 3, 1); }), "does not lie inside a 4x4"));
}

TEST(Preprocess, CenterCropEqualsTorchvision) {
  for (const std::string name : {"wide", "tall"}) {
    const Image image = golden_ppm("input_" + name + ".ppm");
    for (const auto& [size, ending] :
         std::array<std::pair<int64_t, std::string>, 2>{{{20, ""}, {11, "_padded"}}}) {
      const Preprocessor preprocess(small_input(size));
      std::vector<float> values = room(preprocess.input());
      preprocess.center(preprocess.prepare(image), values);
      EXPECT_LT(worst(values, golden_floats("input_" + name + ending + ".f32")), 1e-6f)
          << name << ending;
    }
  }
}

TEST(Preprocess, TenCropsEqualTorchvision) {
  const Preprocessor preprocess(small_input());
  std::vector<float> values = room(preprocess.input(), 10);
  const Image prepared = preprocess.prepare(golden_ppm("input_tall.ppm"));
  const size_t one = values.size() / 10;
  for (size_t i = 0; i < 10; ++i)
    preprocess.fill(preprocess.one_of_ten(prepared, static_cast<int64_t>(i)),
                    std::span(values).subspan(i * one, one));
  EXPECT_LT(worst(values, golden_floats("input_tall_ten.f32")), 1e-6f);
}

TEST(Preprocess, CenterOffsetsRoundHalfToEven) {
  for (const auto& [side, offset] : std::array<std::pair<int64_t, float>, 6>{
           {{4, 0.0f}, {5, 0.0f}, {6, 1.0f}, {7, 2.0f}, {9, 2.0f}, {11, 4.0f}}}) {
    const Preprocessor preprocess(plain_input(4, 4));
    std::vector<float> values = room(preprocess.input());
    preprocess.center(ramp(side, 4), values);
    EXPECT_EQ(values[0], offset) << side;
  }
}

TEST(Preprocess, ChannelOrderScaleMeanAndStd) {
  InputSpec input = plain_input(1, 1);
  input.channel_order = "BGR";
  input.mean = {1, 2, 3};
  input.std = {1, 2, 4};
  std::vector<float> values = room(input);
  Preprocessor(input).center(Image{1, 1, {103, 52, 11}}, values);
  EXPECT_EQ(values, (std::vector<float>{10, 25, 25}));
}

TEST(Preprocess, WindowsMayBeMirroredAndReachOutside) {
  InputSpec input = plain_input(4, 3);
  input.mean = {50, 50, 50};
  const Preprocessor preprocess(input);
  std::vector<float> straight = room(input), mirrored = room(input);
  preprocess.window(ramp(5, 5), -1, 3, false, straight);
  preprocess.window(ramp(5, 5), -1, 3, true, mirrored);
  const std::vector<float> red(straight.begin(), straight.begin() + 12);
  EXPECT_EQ(red, (std::vector<float>{0, -50, -49, -48, 0, -50, -49, -48, 0, 0, 0, 0}));
  for (size_t row = 0; row < 9; ++row) {
    for (size_t x = 0; x < 4; ++x) EXPECT_EQ(mirrored[row * 4 + x], straight[row * 4 + 3 - x]);
  }
  preprocess.window(ramp(5, 5), 100, -100, false, straight);
  EXPECT_EQ(straight, room(input));
}

TEST(Preprocess, MeanImageIsCroppedWithThePicture) {
  InputSpec input = plain_input(2, 2);
  input.mean_image = "mean";
  MeanImage mean{4, {}};
  for (int c = 0; c < 3; ++c) {
    for (int i = 0; i < 16; ++i)
      mean.values.push_back(static_cast<float>(c == 0 ? i % 4 : c == 1 ? i / 4 : 90));
  }
  const Preprocessor preprocess(input, mean);
  std::vector<float> values = room(input);
  // the ramp is its own mean image
  const std::vector<float> same{0, 0, 0, 0, 0, 0, 0, 0, 10, 10, 10, 10};
  for (bool mirror : {false, true}) {
    preprocess.window(ramp(4, 4), 1, 2, mirror, values);
    EXPECT_EQ(values, same);
  }
  // On a wider picture the mean lies over the middle: two columns further right.
  preprocess.window(ramp(8, 4), 3, 1, false, values);
  EXPECT_EQ(values, (std::vector<float>{2, 2, 2, 2, 0, 0, 0, 0, 10, 10, 10, 10}));
}

TEST(Preprocess, VeryLongPicturesKeepTheirMiddle) {
  InputSpec input = small_input();
  const Preprocessor preprocess(input);
  for (int64_t length : {2001, 2002, 2003, 2004}) {
    Image strip = ramp(length, 3);
    const Image prepared = preprocess.prepare(strip);
    EXPECT_EQ(prepared.height, 20);
    EXPECT_LE(prepared.width, 32 * 20);
    std::vector<float> cut = room(input), whole = room(input);
    preprocess.center(prepared, cut);
    preprocess.center(resize_short_side(strip, 20), whole);
    EXPECT_EQ(cut, whole) << length;
  }
}

TEST(Preprocess, SquashAndNone) {
  InputSpec input = small_input();
  input.resize = InputSpec::Resize::squash;
  const Image squashed = Preprocessor(input).prepare(ramp(50, 37));
  EXPECT_EQ(difference(squashed, resize(ramp(50, 37), 20, 20)), 0);
  input.resize = InputSpec::Resize::none;
  EXPECT_EQ(difference(Preprocessor(input).prepare(ramp(50, 37)), ramp(50, 37)), 0);
  const std::string text = error_of([&] { Preprocessor(input).prepare(ramp(11, 37)); });
  EXPECT_TRUE(has(text, "11x37"));
  EXPECT_TRUE(has(text, "12x16"));
}

TEST(Preprocess, RefusesInputsThatCannotBe) {
  const auto refused = [](auto&& change, MeanImage mean = {}) {
    InputSpec input = small_input();
    change(input);
    return error_of([&] { Preprocessor(input, mean); });
  };
  EXPECT_TRUE(has(refused([](InputSpec& i) { i.channel_order = "GBR"; }), "\"GBR\""));
  EXPECT_TRUE(has(refused([](InputSpec& i) { i.std[1] = 0; }), "std not zero"));
  EXPECT_TRUE(has(refused([](InputSpec& i) { i.mean.pop_back(); }), "mean has 2 values"));
  EXPECT_TRUE(has(refused([](InputSpec& i) { i.width = 0; }), "0x16"));
  EXPECT_TRUE(has(refused([](InputSpec& i) { i.resize_size = -3; }), "-3"));
  EXPECT_TRUE(has(refused([](InputSpec& i) { i.mean_image = "mean"; }), "none was given"));
  EXPECT_TRUE(has(refused([](InputSpec&) {}, {1, {0, 0, 0}}), "no mean image"));
  EXPECT_TRUE(
      has(refused([](InputSpec& i) { i.mean_image = "mean"; }, {8, std::vector<float>(192)}),
          "side 8"));
  std::vector<float> few(5);
  EXPECT_TRUE(
      has(error_of([&] { Preprocessor(small_input()).center(ramp(20, 20), few); }), "room for 5"));
}

}  // namespace
}  // namespace alx
