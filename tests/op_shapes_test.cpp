// What ops.cpp says about shapes, parameters and costs, and what it refuses.
#include <gtest/gtest.h>

#include <limits>

#include "core/error.h"
#include "graph/ops.h"
#include "ops_cases.h"

namespace alx::test {
namespace {

Shape one_output(const Op& op, const Shape& in) { return output_shapes(op, {in}).at(0); }

// The message must name what is wrong.
void expect_refused(const Op& op, const std::vector<Shape>& inputs,
                    const std::vector<std::string>& words) {
  try {
    output_shapes(op, inputs);
    FAIL() << name_of(op) << " took what it cannot";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::invalid_argument);
    for (const std::string& word : words)
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos)
          << "no '" << word << "' in: " << error.what();
  }
}

TEST(OpShapes, SizesOfTheFamily) {
  // conv1 over 227, 224 with padding 2, 224 without, and 224 as the original's ceil has it.
  EXPECT_EQ(one_output(conv(96, 11, 4, {}), {1, 3, 227, 227}), (Shape{1, 96, 55, 55}));
  EXPECT_EQ(one_output(conv(64, 11, 4, Pad::all(2)), {1, 3, 224, 224}), (Shape{1, 64, 55, 55}));
  EXPECT_EQ(one_output(conv(96, 11, 4, {}), {1, 3, 224, 224}), (Shape{1, 96, 54, 54}));
  EXPECT_EQ(one_output(conv(48, 11, 4, {0, 0, 3, 3}), {1, 3, 224, 224}), (Shape{1, 48, 55, 55}));
  for (Round round : {Round::floor, Round::ceil}) {
    int64_t size = 55;
    for (int64_t want : {27, 13, 6})
      EXPECT_EQ(size = window_outputs(size, 3, 2, 0, 0, round), want);
  }
  // From 54, where floor and ceil part.
  EXPECT_EQ(window_outputs(54, 3, 2, 0, 0, Round::floor), 26);
  EXPECT_EQ(window_outputs(54, 3, 2, 0, 0, Round::ceil), 27);
  EXPECT_EQ(window_outputs(12, 3, 2, 0, 1, Round::floor), 6);
  EXPECT_EQ(one_output(Flatten{}, {2, 256, 6, 6}), (Shape{2, 9216}));
  EXPECT_EQ(one_output(AdaptiveAvgPool{6, 6}, {1, 256, 1, 1}), (Shape{1, 256, 6, 6}));
}

TEST(OpShapes, CeilDropsWindowsThatStartBeyondTheInput) {
  // 3 by size alone; the third would start at 4 = 3 + 1
  EXPECT_EQ(window_outputs(3, 2, 2, 1, 1, Round::ceil), 2);
  EXPECT_EQ(window_outputs(4, 2, 2, 1, 1, Round::ceil), 3);
  EXPECT_EQ(window_outputs(5, 1, 3, 0, 0, Round::ceil), 2);
  EXPECT_EQ(window_outputs(5, 3, 2, 0, 0, Round::ceil), 2);
  EXPECT_EQ(window_outputs(6, 3, 2, 0, 0, Round::ceil), 3);
}

TEST(OpShapes, OneAndManyOutputs) {
  EXPECT_EQ(one_output(Concat{}, {2, 3, 4, 5}), (Shape{2, 3, 4, 5}));
  EXPECT_EQ(output_shapes(Concat{}, {{2, 3, 4, 5}, {2, 7, 4, 5}, {2, 1, 4, 5}}).at(0),
            (Shape{2, 11, 4, 5}));
  EXPECT_EQ(output_shapes(Split{3}, {{2, 5}}), (std::vector<Shape>{{2, 5}, {2, 5}, {2, 5}}));
  EXPECT_EQ(output_shapes(SoftmaxLoss{}, {{4, 10}, {4}}), (std::vector<Shape>{{4, 10}, {4}}));
}

// Parameters and multiply-adds of the grouped network, layer by layer; biases count as parameters
// only.
TEST(OpShapes, ParametersAndCosts) {
  struct Row {
    Op op;
    Shape in;
    int64_t parameters, multiply_adds;
  };
  const std::vector<Row> rows{
      {conv(96, 11, 4, {}), {1, 3, 227, 227}, 34944, 105415200},
      {conv(256, 5, 1, Pad::all(2), 2), {1, 96, 27, 27}, 307456, 223948800},
      {conv(384, 3, 1, Pad::all(1)), {1, 256, 13, 13}, 885120, 149520384},
      {conv(384, 3, 1, Pad::all(1), 2), {1, 384, 13, 13}, 663936, 112140288},
      {conv(256, 3, 1, Pad::all(1), 2), {1, 384, 13, 13}, 442624, 74760192},
      {linear(4096), {1, 256, 6, 6}, 37752832, 37748736},
      {linear(4096), {1, 4096}, 16781312, 16777216},
      {linear(1000), {1, 4096}, 4097000, 4096000},
  };
  int64_t parameters = 0, costs = 0;
  for (const Row& row : rows) {
    int64_t own = 0;
    for (const ParamShape& param : param_shapes(row.op, {row.in}))
      own += element_count(param.shape);
    EXPECT_EQ(own, row.parameters);
    EXPECT_EQ(multiply_adds(row.op, {row.in}), row.multiply_adds);
    Shape two = row.in;
    two[0] = 2;
    EXPECT_EQ(multiply_adds(row.op, {two}), 2 * row.multiply_adds) << "of the whole batch";
    parameters += own;
    costs += row.multiply_adds;
  }
  EXPECT_EQ(parameters, 60965224);
  EXPECT_EQ(costs, 724406816);
  EXPECT_EQ(multiply_adds(Relu{}, {{1, 2}}), 0);
  EXPECT_TRUE(param_shapes(Lrn{}, {{1, 2, 3, 4}}).empty());
  const auto params = param_shapes(conv(8, 3, 1, {}, 2), {{1, 6, 5, 5}});
  EXPECT_EQ(params.at(0).suffix, "weight");
  EXPECT_EQ(params.at(0).shape, (Shape{8, 3, 3, 3}));
  EXPECT_EQ(params.at(1).suffix, "bias");
  EXPECT_EQ(params.at(1).shape, (Shape{8}));
}

TEST(OpShapes, EveryOpHasItsOwnName) {
  std::vector<std::string> names;
  for (const OpCase& c : op_cases()) names.push_back(name_of(c.op));
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  EXPECT_EQ(names.size(), std::variant_size_v<Op>)
      << "an op is missing in the table, or two share a name";
}

TEST(OpShapes, RefusesConvolutions) {
  const Shape in{1, 6, 5, 5};
  expect_refused(conv(4, 7, 1, {}), {in}, {"conv", "1 x 6 x 5 x 5", "window of 7", "axis of 5"});
  expect_refused(conv(4, 7, 1, {1, 0, 0, 1}), {in}, {"padding 1 + 0", "at least 6"});
  expect_refused(conv(4, 3, 1, {}, 4), {in}, {"4 groups", "6 input channels"});
  expect_refused(conv(4, 3, 1, {}, 3), {in}, {"3 groups", "4 output channels"});
  for (int64_t bad : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::max()}) {
    expect_refused(conv(bad, 3, 1, {}), {in}, {"out", std::to_string(bad)});
    expect_refused(conv(4, bad, 1, {}), {in}, {"kernel", std::to_string(bad)});
    expect_refused(conv(4, 3, bad, {}), {in}, {"stride", std::to_string(bad)});
    expect_refused(conv(4, 3, 1, {}, bad), {in}, {"groups", std::to_string(bad)});
    expect_refused(conv(4, 3, 1, {}), {{1, 6, bad, 5}}, {"dimension", std::to_string(bad)});
    if (bad != 0)
      expect_refused(conv(4, 3, 1, {0, 0, bad, 0}), {in}, {"padding", std::to_string(bad)});
  }
  expect_refused(conv(4, 3, 1, {}), {{6, 5, 5}}, {"4 dimensions", "got 3"});
  expect_refused(conv(4, 3, 1, {}), {in, in}, {"1 input", "got 2"});
  expect_refused(conv(4, 3, 1, {}), {}, {"1 input", "got 0"});
  EXPECT_THROW(param_shapes(conv(4, 3, 1, {}, 4), {in}), Error);
  EXPECT_THROW(multiply_adds(conv(4, 7, 1, {}), {in}), Error);
}

TEST(OpShapes, RefusesOtherOps) {
  const int64_t huge = int64_t{1} << 30;
  expect_refused(pool<MaxPool>(3, 2), {{1, 1, 2, 5}}, {"max_pool", "window of 3", "axis of 2"});
  expect_refused(pool<MaxPool>(2, 2, Pad::all(2)), {{1, 1, 5, 5}}, {"padding 2", "kernel, 2"});
  expect_refused(pool<AvgPool>(2, 2, {0, 0, 0, 3}), {{1, 1, 5, 5}}, {"padding 3", "kernel, 2"});
  expect_refused(pool<AvgPool>(2, 0), {{1, 1, 5, 5}}, {"stride", "got 0"});
  expect_refused(AdaptiveAvgPool{0, 6}, {{1, 1, 5, 5}}, {"out_h", "got 0"});
  expect_refused(linear(0), {{1, 5}}, {"out", "got 0"});
  expect_refused(linear(3), {{5}}, {"2 dimensions", "got 1"});
  expect_refused(Lrn{0}, {{1, 1, 5, 5}}, {"size", "got 0"});
  expect_refused(lrn(5, -1, 1, 0.75f), {{1, 1, 5, 5}}, {"k must", "-1"});
  expect_refused(lrn(5, 1, std::numeric_limits<float>::quiet_NaN(), 0.75f), {{1, 1, 5, 5}},
                 {"alpha", "nan"});
  expect_refused(Lrn{}, {{1, 5}}, {"4 dimensions", "got 2"});
  expect_refused(Dropout{1}, {{1, 5}}, {"drop", "got 1"});
  expect_refused(Dropout{std::numeric_limits<float>::quiet_NaN()}, {{1, 5}}, {"drop", "nan"});
  expect_refused(Concat{}, {}, {"at least one input"});
  expect_refused(Concat{}, {{2, 3, 4, 4}, {2, 3, 4, 5}}, {"2 x 3 x 4 x 5", "2 x 3 x 4 x 4"});
  expect_refused(Concat{}, {{2, 3, 4, 4}, {2, 3}}, {"input 1"});
  expect_refused(Concat{}, {{2}, {2}}, {"2 dimensions"});
  expect_refused(Softmax{}, {{2, 3, 1, 1}}, {"2 dimensions", "got 4"});
  expect_refused(SoftmaxLoss{}, {{2, 3}}, {"2 inputs", "got 1"});
  expect_refused(SoftmaxLoss{}, {{2, 3}, {3}}, {"2 labels", "got 3"});
  expect_refused(SoftmaxLoss{}, {{2, 3}, {2, 1}}, {"2 labels", "2 x 1"});
  expect_refused(SoftmaxLoss{1}, {{2, 3}, {2}}, {"smoothing", "got 1"});
  expect_refused(SoftmaxLoss{0, {1, 2}}, {{2, 3}, {2}}, {"3 class weights", "got 2"});
  expect_refused(Split{0}, {{2, 3}}, {"ways", "got 0"});
  expect_refused(Relu{}, {{}}, {"no dimensions"});
  expect_refused(Relu{}, {{huge, huge, huge}}, {"too large"});
  expect_refused(Flatten{}, {{1}}, {"2 dimensions"});
  EXPECT_THROW(window_outputs(0, 1, 1, 0, 0, Round::floor), Error);
}

}  // namespace
}  // namespace alx::test
