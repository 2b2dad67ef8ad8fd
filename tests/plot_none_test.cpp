// What a build without figures answers.
#include <gtest/gtest.h>

#include "core/error.h"
#include "plot/plot.h"

namespace alx {
namespace {

TEST(PlotNone, SaysThatThisBuildHasNoFigures) {
  const auto expect_unsupported = [](const auto& draw) {
    try {
      draw();
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::unsupported);
      EXPECT_NE(std::string(error.what()).find("out.png"), std::string::npos) << error.what();
    }
  };
  expect_unsupported([] { plot_predictions("out.png", {}); });
  expect_unsupported([] { plot_neighbours("out.png", {}); });
  expect_unsupported([] { plot_tiles("out.png", {}); });
  expect_unsupported([] { plot_curves("out.png", "title", "epoch", {}); });
}

}  // namespace
}  // namespace alx
