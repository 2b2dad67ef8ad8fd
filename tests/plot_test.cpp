#include "plot/plot.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>

#include "core/error.h"
#include "png_size.h"

namespace alx {
namespace {

namespace fs = std::filesystem;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

Image gradient(int64_t width, int64_t height) {
  Image image{width, height, {}};
  for (int64_t i = 0; i < width * height; ++i) {
    for (const int64_t value : {i % width * 255 / width, i / width * 255 / height, i % 256}) {
      image.pixels.push_back(static_cast<uint8_t>(value));
    }
  }
  return image;
}

std::vector<Bar> five_bars() {
  return {{"cat", 0.9}, {"dog", 0.05}, {"frog", 0.03}, {"deer", 0.015}, {"ship", 0.005}};
}

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Plot : public testing::Test {
 protected:
  void SetUp() override {
    folder_ =
        fs::temp_directory_path() / (std::string("alexnet-plot-") +
                                     testing::UnitTest::GetInstance()->current_test_info()->name());
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }

  std::string file(const std::string& name) const { return (folder_ / name).string(); }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }

  Code code_of(const std::function<void()>& action, const std::string& part) const {
    try {
      action();
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
      return error.code();
    }
    return Code::ok;
  }

  // The same figure as PNG, for comparing.
  std::string curves(const std::vector<Panel>& panels) const {
    plot_curves(file("curves.png"), "title", "epoch", panels);
    return content(file("curves.png"));
  }
  std::string bars(const std::string& title, const std::vector<Bar>& bars) const {
    plot_predictions(file("bars.png"), {{gradient(40, 30), title, bars}});
    return content(file("bars.png"));
  }

  fs::path folder_;
};

TEST_F(Plot, PredictionsAsPng) {
  plot_predictions(file("one.png"), {{gradient(300, 200), "photo.jpg", five_bars()}});
  const Size size = png_size(content(file("one.png")));
  EXPECT_GT(size.width, 600u);
  EXPECT_LT(size.width, 1200u);
  EXPECT_GT(size.height, 600u);
  EXPECT_LT(size.height, 1400u);
  EXPECT_EQ(files(), 1u);  // no temporary file stays
}

TEST_F(Plot, EightPredictionsStandInTwoRowsOfFour) {
  const Prediction prediction{gradient(64, 64), "photo", five_bars()};
  plot_predictions(file("4.png"), std::vector(4, prediction));
  plot_predictions(file("8.png"), std::vector(8, prediction));
  const Size four = png_size(content(file("4.png"))), eight = png_size(content(file("8.png")));
  EXPECT_EQ(four.width, eight.width);
  EXPECT_GT(four.width, 1600u);
  EXPECT_GT(eight.height, four.height * 3 / 2);
  EXPECT_LT(eight.height, four.height * 2);
}

TEST_F(Plot, AnyShapeOfPicture) {
  for (const auto& [width, height] : {std::pair{1, 1}, {2000, 1}, {1, 2000}, {640, 10}, {32, 32}}) {
    plot_predictions(file("shape.png"), {{gradient(width, height), "shape", five_bars()}});
    EXPECT_GT(png_size(content(file("shape.png"))).width, 600u) << width << " x " << height;
  }
}

TEST_F(Plot, EqualInputGivesEqualBytes) {
  EXPECT_EQ(bars("a", five_bars()), bars("a", five_bars()));
  EXPECT_NE(bars("a", five_bars()), bars("b", five_bars()));
}

TEST_F(Plot, TheRightClassHasItsOwnColour) {
  const std::string title = "cat";  // in both figures, so that only the bar's colour differs
  EXPECT_NE(bars(title, {{"cat", 0.5}}), bars(title, {{"cat\u200b", 0.5}}));
}

TEST_F(Plot, SvgHoldsOutlinesNotFonts) {
  plot_predictions(file("one.SVG"), {{gradient(300, 200), "photo.jpg", five_bars()}});
  const std::string svg = content(file("one.SVG"));
  EXPECT_EQ(svg.compare(0, 5, "<?xml"), 0);
  EXPECT_NE(svg.find("</svg>"), std::string::npos);
  EXPECT_EQ(svg.find("font-family"), std::string::npos);
}

TEST_F(Plot, FractionsThatAreNoFractions) {
  const std::string zero = bars("a", {{"x", 0.0}});
  EXPECT_EQ(bars("a", {{"x", -3.0}}), zero);
  EXPECT_NE(bars("a", {{"x", kNan}}), zero);  // written as n/a
  EXPECT_EQ(bars("a", {{"x", kNan}}), bars("a", {{"x", kInfinity}}));
  EXPECT_EQ(bars("a", {{"x", 7.0}}), bars("a", {{"x", 1.0}}));
}

TEST_F(Plot, AnyBytesAsLabels) {
  const std::string valid = bars("Füße 猫 قطة", {{"Löwe", 0.5}});
  EXPECT_NE(valid, bars("Füße 猫 قطة", {{"Lowe", 0.5}}));
  bars("broken \xff\xfe\xc3",
       {{std::string("nul\0inside", 10), 0.5}, {"two\nlines\r\n", 0.1}, {"", 0.1}});
  EXPECT_GT(png_size(content(file("bars.png"))).width, 0u);
  // What an ellipsis hides cannot matter, and the figure keeps its size.
  const std::string words(400, 'w');
  EXPECT_EQ(bars("a", {{words + "1", 0.5}}), bars("a", {{words + std::string(1000000, 'v'), 0.5}}));
}

TEST_F(Plot, CurvesAsPngAndSvg) {
  const Panel loss{
      "Loss", {{"training", {{1, 2.3}, {2, 1.9}, {3, 1.7}}}, {"validation", {{1, 2.2}, {3, 1.8}}}}};
  const Panel error{"Error", {{"validation", {{1, 0.8}, {2, 0.6}}}}, true};
  plot_curves(file("one.png"), "title", "epoch", {loss});
  plot_curves(file("two.png"), "title", "epoch", {loss, error});
  plot_curves(file("two.svg"), "title", "epoch", {loss, error});
  const Size one = png_size(content(file("one.png"))), two = png_size(content(file("two.png")));
  EXPECT_EQ(one.width, 1920u);
  EXPECT_EQ(two.width, 1920u);
  EXPECT_GT(two.height, one.height);
  EXPECT_NE(content(file("two.svg")).find("</svg>"), std::string::npos);
  EXPECT_EQ(files(), 3u);
}

TEST_F(Plot, PointsThatAreNotFiniteAreLeftOut) {
  const Panel with{
      "Loss",
      {{"a", {{1, 2}, {2, kNan}, {kNan, 3}, {3, kInfinity}, {-kInfinity, 1}, {4, 1}, {5, 1e308}}}}};
  const Panel without{"Loss", {{"a", {{1, 2}, {4, 1}}}}};
  EXPECT_EQ(curves({with}), curves({without}));
  EXPECT_NE(curves({without}), curves({{"Loss", {{"a", {{1, 2}, {4, 1.5}}}}}}));
}

TEST_F(Plot, CurvesOfLittleOrOddData) {
  const std::vector<Panel> odd{
      {"no series", {}},
      {"no points", {{"a", {}}, {"b", {{kNan, kNan}}}}},
      {"one point", {{"a", {{5, 3}}}}},
      {"constant", {{"a", {{1, 0}, {2, 0}}}, {"b", {{1, -1e-300}, {2, 1e-300}}}}},
      {"huge", {{"a", {{-1e299, -1e299}, {1e299, 1e299}}}}},
      {"close", {{"a", {{1e15, 1}, {1e15 + 1, std::nextafter(1.0, 2)}}}}},
      {std::string(3000, 'y'), std::vector<Series>(300, {std::string(300, 'n'), {{1, 2}}})},
  };
  for (const Panel& panel : odd) {
    curves({panel});
    EXPECT_EQ(png_size(content(file("curves.png"))).width, 1920u) << panel.y_label.substr(0, 20);
  }
  curves(odd);
}

TEST_F(Plot, AMillionPointsStaySmall) {
  Series series{"a", {}};
  for (int i = 0; i < 1000000; ++i) series.points.emplace_back(i, i % 1000);
  plot_curves(file("many.svg"), "title", "step", {{"Loss", {series}}});
  EXPECT_LT(fs::file_size(file("many.svg")), 1000000u);
}

TEST_F(Plot, PathsThatCannotBeWritten) {
  const std::vector<Prediction> one{{gradient(8, 8), "a", five_bars()}};
  const auto predictions = [&](const std::string& path) {
    return [&one, path] { plot_predictions(path, one); };
  };
  EXPECT_EQ(code_of(predictions(file("missing/out.png")), "missing/out.png"), Code::io);
  fs::create_directory(folder_ / "folder.png");
  EXPECT_EQ(code_of(predictions(file("folder.png")), "folder.png"), Code::io);
  EXPECT_EQ(files(), 1u);
  EXPECT_TRUE(fs::is_empty(folder_ / "folder.png"));
  for (const char* name : {"out.jpg", "out", "png", "", "out.png.", ".", "a.png/out"}) {
    EXPECT_EQ(code_of(predictions(file(name)), ".png or .svg"), Code::invalid_argument) << name;
  }
  EXPECT_EQ(files(), 1u);
}

TEST_F(Plot, AFailureLeavesTheEarlierFile) {
  std::ofstream(file("out.png")) << "earlier";
  EXPECT_EQ(code_of(
                [&] {
                  plot_predictions(file("out.png"), {{Image{4, 4, {}}, "a", {}}});
                },
                "4 x 4"),
            Code::invalid_argument);
  EXPECT_EQ(content(file("out.png")), "earlier");
  plot_predictions(file("out.png"), {{gradient(4, 4), "a", {}}});
  EXPECT_GT(png_size(content(file("out.png"))).width, 0u);
  EXPECT_EQ(files(), 1u);
}

TEST_F(Plot, RefusesWhatCannotBeDrawn) {
  EXPECT_EQ(code_of([&] { plot_predictions(file("out.png"), {}); }, "no prediction"),
            Code::invalid_argument);
  EXPECT_EQ(code_of([&] { plot_curves(file("out.png"), "", "", {}); }, "no curve"),
            Code::invalid_argument);
  EXPECT_EQ(
      code_of([&] { plot_curves(file("out.png"), "", "", std::vector<Panel>(100)); }, "draw less"),
      Code::invalid_argument);
  for (const auto& [width, height] :
       {std::pair<int64_t, int64_t>{-1, 4}, {0, 0}, {int64_t{1} << 33, int64_t{1} << 33}}) {
    const Image image{width, height, std::vector<uint8_t>(12)};
    EXPECT_EQ(code_of(
                  [&] {
                    plot_predictions(file("out.png"), {{image, "a", {}}});
                  },
                  "bytes"),
              Code::invalid_argument);
  }
  EXPECT_EQ(files(), 0u);
}

std::array<int, 3> pixel(const Image& image, int64_t x, int64_t y) {
  const uint8_t* at = image.pixels.data() + (y * image.width + x) * 3;
  return {at[0], at[1], at[2]};
}

// Two filters of 2 x 2: the first is red at its first place, dark green at its last.
TEST_F(Plot, TilesShowTheColoursOfTheirFilters) {
  std::vector<float> values(2 * 3 * 4);
  values[0] = 2;       // red, place (0, 0)
  values[4 + 3] = -1;  // green, place (1, 1)
  values[12 + 8] = 1;  // of the second: blue, place (0, 0)
  plot_tiles(file("tiles.png"), {{"conv1", "two", 3, 2, 2, values}});
  const Image each = read_image(file("tiles.png"));
  using Rgb = std::array<int, 3>;
  const int64_t x = 72, y = 124, side = 64;  // of a weight
  const auto place = [&](int64_t tile, int64_t row, int64_t column) {
    return pixel(each, x + tile * (2 * side + 8) + column * side + 1, y + row * side + 1);
  };
  EXPECT_EQ(place(0, 0, 0), (Rgb{255, 128, 128}));
  EXPECT_EQ(place(0, 0, 1), (Rgb{128, 128, 128}));
  EXPECT_EQ(place(0, 1, 0), (Rgb{128, 128, 128}));
  EXPECT_EQ(place(0, 1, 1), (Rgb{128, 64, 128}));
  EXPECT_EQ(place(1, 0, 0), (Rgb{128, 128, 255}));
  // pixel by pixel: no colour runs into the next
  EXPECT_EQ(pixel(each, x + side - 1, y), (Rgb{255, 128, 128}));
  EXPECT_EQ(pixel(each, x + side, y), (Rgb{128, 128, 128}));
  EXPECT_EQ(pixel(each, x + 2 * side + 2, y), (Rgb{255, 255, 255}));  // the gap

  plot_tiles(file("tiles.png"), {{"conv1", "two", 3, 2, 2, values}}, Contrast::common);
  const Image common = read_image(file("tiles.png"));
  EXPECT_EQ(pixel(common, x + 2 * side + 8 + 1, y + 1), (Rgb{128, 128, 191}));
}

// The matrix lies at the right edge, 46 units a cell; pictures have two pixels for a unit.
TEST_F(Plot, ConfusionsShowRightAndWrongAnswers) {
  plot_confusion(file("confusion.png"), "two of three", {{"cat", "dog"}, {3, 1, 0, 4}});
  const Image image = read_image(file("confusion.png"));
  using Rgb = std::array<int, 3>;
  const int64_t side = 2 * 46, top = 2 * 80;
  int64_t left = 0;  // the first pixel of the upper left cell, whose names decide where it lies
  while (pixel(image, left, top + 4) == Rgb{255, 255, 255}) ++left;
  const Rgb right = pixel(image, left + 4, top + 4), wrong = pixel(image, left + side + 4, top + 4);
  const Rgb none = pixel(image, left + 4, top + side + 4),
            all = pixel(image, left + side + 4, top + side + 4);
  EXPECT_EQ(all, (Rgb{0x1f, 0x6f, 0xc4}));
  EXPECT_EQ(none, (Rgb{0xf3, 0xf5, 0xf8}));
  EXPECT_GT(right[2], right[0]);
  EXPECT_GT(wrong[0], wrong[2]);
  plot_confusion(file("many.svg"), "many",
                 {std::vector<std::string>(60, "a"), std::vector<int64_t>(3600, 1)});
  EXPECT_THROW(plot_confusion(file("no.png"), "", {{"a", "b"}, {1, 2, 3}}), Error);
}

TEST_F(Plot, TilesWithoutNegativeValuesBeginAtBlack) {
  plot_tiles(file("tiles.png"),
             {{"relu1", "", 1, 1, 2, {0, 4, 0, 0, 1, 1}}, {"relu2", "", 1, 1, 2, {1, 3}}});
  const Image image = read_image(file("tiles.png"));
  using Rgb = std::array<int, 3>;
  EXPECT_EQ(pixel(image, 74, 126), (Rgb{0, 0, 0}));
  EXPECT_EQ(pixel(image, 72 + 126, 126), (Rgb{255, 255, 255}));
  EXPECT_EQ(pixel(image, 72 + 136 + 4, 126), (Rgb{0, 0, 0}));  // all zero: dead, and shown so
}

TEST_F(Plot, TilesOfAnyCountAndSize) {
  for (const auto& [count, side] :
       {std::pair<size_t, int64_t>{1, 1}, {7, 3}, {97, 11}, {384, 13}, {64, 224}, {3, 900}}) {
    const std::vector<float> values(count * static_cast<size_t>(side * side), 1);
    plot_tiles(file("tiles.png"), {{"layer", "", 1, side, side, values}});
    const Size size = png_size(content(file("tiles.png")));
    EXPECT_LT(size.width, count == 3 ? 4000u : 2100u) << count;
    EXPECT_GE(size.width, 1024u) << count;
  }
  plot_tiles(file("tiles.svg"),
             {{std::string(500, 't'), std::string(500, 'n'), 1, 2, 2, {1, 2, 3, 4}}});
}

TEST_F(Plot, TilesRefuseWhatTheyAreNot) {
  const auto tiles = [&](const Tiles& block) {
    return [&, block] { plot_tiles(file("x.png"), {block}); };
  };
  EXPECT_EQ(code_of(tiles({"a", "", 1, 2, 2, {}}), "no tiles of"), Code::invalid_argument);
  EXPECT_EQ(code_of(tiles({"a", "", 2, 1, 1, {1, 2}}), "no tiles of"), Code::invalid_argument);
  EXPECT_EQ(code_of(tiles({"a", "", 1, 2, 2, {1, 2, 3}}), "no tiles of"), Code::invalid_argument);
  EXPECT_EQ(code_of(tiles({"a", "", 1, 1, 2, {1, static_cast<float>(kNan)}}), "not numbers"),
            Code::invalid_argument);
  EXPECT_EQ(code_of([&] { plot_tiles(file("x.png"), {}); }, "no tiles"), Code::invalid_argument);
  EXPECT_EQ(files(), 0u);
}

TEST_F(Plot, NeighboursStandInOneRowForEachQuery) {
  const auto picture = [](uint8_t value) { return Image{4, 4, std::vector<uint8_t>(48, value)}; };
  const NeighbourRow row{{picture(10), "query.jpg"},
                         {{picture(50), "1.00"}, {{}, "2.00"}, {picture(90), "3.00"}}};
  plot_neighbours(file("one.png"), {row});
  plot_neighbours(file("two.png"), {row, row});
  const Image one = read_image(file("one.png")), two = read_image(file("two.png"));
  EXPECT_EQ(one.width, two.width);
  EXPECT_GT(two.height, one.height * 3 / 2);
  using Rgb = std::array<int, 3>;
  const int64_t y = 200, query = 72 + 132, first = 72 + 264 + 64 + 132, step = 264 + 24;
  EXPECT_EQ(pixel(one, query, y), (Rgb{10, 10, 10}));
  EXPECT_EQ(pixel(one, first, y), (Rgb{50, 50, 50}));
  // cannot be shown: the mat alone
  EXPECT_EQ(pixel(one, first + step, y), (Rgb{0xf3, 0xf5, 0xf8}));
  EXPECT_EQ(pixel(one, first + 2 * step, y), (Rgb{90, 90, 90}));

  plot_neighbours(file("many.png"),
                  {{{picture(10), "q"}, std::vector<Captioned>(25, {picture(50), "1.00"})}});
  EXPECT_EQ(png_size(content(file("many.png"))).width, 72u + 264 + 64 + 10 * 264 + 9 * 24 + 72);
  EXPECT_EQ(code_of([&] { plot_neighbours(file("x.png"), {}); }, "no query"),
            Code::invalid_argument);
  EXPECT_EQ(code_of(
                [&] {
                  plot_neighbours(file("x.png"), {{{{}, "q"}, {}}});
                },
                "0 x 0"),
            Code::invalid_argument);
}

// In a process of its own: fontconfig reads its settings once.
TEST_F(Plot, AMachineWithoutFontsIsAnError) {
  testing::FLAGS_gtest_death_test_style = "threadsafe";
  std::ofstream(file("fonts.conf")) << "<?xml version='1.0'?><fontconfig></fontconfig>";
  const auto draw = [&] {
    setenv("FONTCONFIG_FILE", file("fonts.conf").c_str(), 1);
    try {
      plot_predictions(file("out.png"), {{gradient(4, 4), "a", {}}});
    } catch (const Error& error) {
      std::fputs(error.what(), stderr);
      std::_Exit(3);
    }
    std::_Exit(0);
  };
  EXPECT_EXIT(draw(), testing::ExitedWithCode(3), "fonts-dejavu-core");
}

}  // namespace
}  // namespace alx
