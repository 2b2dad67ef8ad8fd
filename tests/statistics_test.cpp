// Mean and colour components of a training set, and the noise made of them.
#include "data/statistics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "data/dataset_memory.h"
#include "data/pipeline.h"
#include "refusal.h"

namespace alx {
namespace {

Image filled(int64_t width, int64_t height, std::array<uint8_t, 3> colour) {
  Image image{width, height, {}};
  for (int64_t i = 0; i < width * height; ++i)
    image.pixels.insert(image.pixels.end(), colour.begin(), colour.end());
  return image;
}

InputSpec input_of(int64_t side, InputSpec::Resize resize = InputSpec::Resize::short_side) {
  InputSpec input;
  input.height = input.width = input.resize_size = side;
  input.scale = 255;
  input.resize = resize;
  return input;
}

TEST(PrincipalComponents, AreThoseOfNumpy) {
  // numpy.linalg.eigh of this matrix, eigenvalues in falling order, each vector's largest element
  // positive.
  const ColourComponents c =
      principal_components({{{3600, 3300, 2900}, {3300, 3500, 3200}, {2900, 3200, 3900}}});
  const double deviations[] = {99.6708759817, 29.6783743854, 13.5981827789};
  const double components[3][3] = {{0.5690924805, -0.6084124122, -0.5531438197},
                                   {0.5811734709, -0.1782706085, 0.7940132158},
                                   {0.5816967813, 0.7733394641, -0.2521406906}};
  for (size_t j = 0; j < 3; ++j) {
    EXPECT_NEAR(c.deviations[j], deviations[j], 1e-8);
    for (size_t k = 0; k < 3; ++k) EXPECT_NEAR(c.components[k][j], components[k][j], 1e-8);
  }
}

TEST(PrincipalComponents, OfGreyAndOfOneColour) {
  const ColourComponents grey =
      principal_components({{{100, 100, 100}, {100, 100, 100}, {100, 100, 100}}});
  EXPECT_NEAR(grey.deviations[0], std::sqrt(300.0), 1e-9);
  EXPECT_NEAR(grey.deviations[1], 0, 1e-6);
  for (size_t c = 0; c < 3; ++c) EXPECT_NEAR(grey.components[c][0], std::sqrt(1.0 / 3), 1e-9);
  EXPECT_EQ(principal_components({}).deviations, (std::array<double, 3>{}));
}

TEST(SetStatistics, AreTheSameForEveryThreadCount) {
  MemoryDataset data({"a"});
  data.add(filled(4, 4, {10, 20, 30}), 0);
  data.add(filled(4, 4, {50, 20, 90}), 0);
  // twice as wide: twice the pixels, its middle in the mean image
  data.add(filled(8, 4, {100, 200, 0}), 0);
  const SetStatistics one = measure_set(data, input_of(4), true, 1);
  EXPECT_EQ(one.pictures, 3);
  EXPECT_DOUBLE_EQ(one.mean[0], (10 + 50 + 200) / 4.0);
  EXPECT_DOUBLE_EQ(one.mean[2], (30 + 90) / 4.0);
  EXPECT_EQ(one.mean_image.size, 4);
  EXPECT_FLOAT_EQ(one.mean_image.values[5], 160 / 3.0f);
  EXPECT_FLOAT_EQ(one.mean_image.values[2 * 16 + 5], 120 / 3.0f);
  const double sum =
      std::inner_product(one.colours.deviations.begin(), one.colours.deviations.end(),
                         one.colours.deviations.begin(), 0.0);
  EXPECT_NEAR(sum,
              (100 + 2500 + 20000) / 4.0 - 65 * 65 + (800 + 80000) / 4.0 - 110 * 110 +
                  (900 + 8100) / 4.0 - 900,
              1e-9);  // the trace
  for (const int threads : {2, 3, 7}) {
    const SetStatistics many = measure_set(data, input_of(4), true, threads);
    EXPECT_EQ(many.mean, one.mean);
    EXPECT_EQ(many.colours.deviations, one.colours.deviations);
    EXPECT_EQ(many.mean_image.values, one.mean_image.values);
  }
  InputSpec bgr = input_of(4);
  bgr.channel_order = "BGR";
  EXPECT_FLOAT_EQ(measure_set(data, bgr, true, 1).mean_image.values[5], 120 / 3.0f);
  EXPECT_EQ(measure_set(data, input_of(4), false, 1, 2).pictures, 2);
}

TEST(SetStatistics, RefuseWhatCannotBeMeasured) {
  MemoryDataset data({"a"});
  EXPECT_NE(
      error_of([&] { measure_set(data, input_of(4), false, 1); }, Code::bad_file).find("none of"),
      std::string::npos);
  data.add(filled(4, 4, {1, 2, 3}), 0);
  error_of([&] { measure_set(data, input_of(4, InputSpec::Resize::none), true, 1); },
           Code::invalid_argument);
}

TEST(ColourNoise, IsPureAndHasTheSetsDeviations) {
  ColourComponents colours;
  colours.deviations = {50, 20, 10};
  colours.components = {{{1, 0, 0}, {0, 0, 1}, {0, 1, 0}}};
  EXPECT_EQ(draw_colour(colours, 0.1f, 7, 3, 11), draw_colour(colours, 0.1f, 7, 3, 11));
  EXPECT_NE(draw_colour(colours, 0.1f, 7, 3, 11), draw_colour(colours, 0.1f, 7, 4, 11));
  std::array<double, 3> squares{};
  constexpr int draws = 20000;
  for (int i = 0; i < draws; ++i) {
    const std::array<float, 3> added = draw_colour(colours, 0.1f, 1, 0, i);
    for (size_t c = 0; c < 3; ++c) squares[c] += added[c] * added[c];
  }
  EXPECT_NEAR(std::sqrt(squares[0] / draws), 5, 0.1);
  EXPECT_NEAR(std::sqrt(squares[1] / draws), 1, 0.03);  // green follows the third component here
  EXPECT_NEAR(std::sqrt(squares[2] / draws), 2, 0.05);
}

TEST(ColourNoise, IsAddedToEveryPixelOfAPicture) {
  auto data = std::make_shared<MemoryDataset>(std::vector<std::string>{"a"});
  for (int i = 0; i < 4; ++i) data->add(filled(4, 4, {100, 100, 100}), 0);
  const auto preprocess = std::make_shared<const Preprocessor>(input_of(4));
  PipelineOptions options;
  options.batch = 4;
  options.threads = 0;
  options.augment.colour_noise = 0.1f;
  options.colours = principal_components({{{3600, 0, 0}, {0, 900, 0}, {0, 0, 100}}});
  Batch batch;
  DataPipeline(data, preprocess, options).next(batch);
  for (size_t row = 0; row < 4; ++row) {
    const std::array<float, 3> added =
        draw_colour(options.colours, 0.1f, options.seed, 0, static_cast<int64_t>(row));
    for (size_t i = 0; i < 48; ++i)
      EXPECT_FLOAT_EQ(batch.images[row * 48 + i], 100 + added[i / 16]);
  }
  const std::vector<float> plain = batch.images;
  options.augment.colour_divides = true;
  DataPipeline(data, preprocess, options).next(batch);
  for (size_t i = 0; i < plain.size(); ++i) EXPECT_FLOAT_EQ(batch.images[i], plain[i] / 1.1f);
}

}  // namespace
}  // namespace alx
