#include <gtest/gtest.h>

#include <limits>

#include "core/number.h"
#include "plot/axis.h"

namespace alx {
namespace {

std::vector<std::string> tick_texts(const Axis& axis) {
  std::vector<std::string> texts;
  for (const double tick : axis.ticks()) texts.push_back(axis.text(tick));
  return texts;
}

TEST(Axis, TicksAreRoundNumbers) {
  using Texts = std::vector<std::string>;
  EXPECT_EQ(tick_texts(round_axis(0.24, 2.4, 5)), (Texts{"0", "0.5", "1.0", "1.5", "2.0", "2.5"}));
  EXPECT_EQ(tick_texts(round_axis(0.9, 1, 5)),
            (Texts{"0.90", "0.92", "0.94", "0.96", "0.98", "1.00"}));
  EXPECT_EQ(tick_texts(round_axis(-1, 1, 4)), (Texts{"\u22121.0", "\u22120.5", "0", "0.5", "1.0"}));
  EXPECT_EQ(tick_texts(exact_axis(1, 90, 5, true)), (Texts{"20", "40", "60", "80"}));
  EXPECT_EQ(tick_texts(exact_axis(1, 3, 10, true)), (Texts{"1", "2", "3"}));
  EXPECT_EQ(tick_texts(exact_axis(0, 90000, 3, true)), (Texts{"0", "50\u2009000"}));
}

TEST(Axis, HoldsItsDataAndFewTicks) {
  const std::pair<double, double> spans[] = {
      {0, 0}, {5, 5}, {-1e299, 1e299}, {1e-310, 2e-310}, {1e9, 1e9 + 1e-3}, {-7, 123}};
  for (const auto& [low, high] : spans) {
    for (const Axis& axis : {round_axis(low, high, 5), exact_axis(low, high, 10, false)}) {
      EXPECT_LE(axis.low, low);
      EXPECT_GE(axis.high, high);
      EXPECT_LE(axis.ticks().size(), 11u);
      EXPECT_GE(axis.ticks().size(), 2u);
    }
  }
}

TEST(Percent, NeverClaimsMoreThanItKnows) {
  const std::pair<double, const char*> cases[] = {
      {0, "0.0%"},       {0.0001, "<0.1%"},
      {0.0005, "0.1%"},  {0.1234, "12.3%"},
      {0.9994, "99.9%"}, {0.9996, ">99.9%"},
      {1, "100%"},       {std::numeric_limits<double>::quiet_NaN(), "n/a"}};
  for (const auto& [fraction, text] : cases) EXPECT_EQ(percent_text(fraction), text);
}

}  // namespace
}  // namespace alx
