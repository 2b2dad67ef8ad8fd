// Where convolutions are computed by Winograd's filtering, and how well, at AlexNet's own sizes.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "op_runner.h"
#include "ops_cases.h"
#include "refusal.h"

namespace alx::test {
namespace {

class Winograd : public testing::Test {
 protected:
  void SetUp() override {
    backend_ = backend_named("onednn");
    if (!backend_) GTEST_SKIP() << "oneDNN is not in this build";
#ifdef __x86_64__
    if (!__builtin_cpu_supports("avx2")) GTEST_SKIP() << "this processor has no AVX2";
#else
    GTEST_SKIP() << "the transforms are for x86-64";
#endif
  }

  std::unique_ptr<Kernel> compile(const Conv& op, const Shape& in, Phase phase) const {
    CompileRequest request;
    request.name = "conv";
    request.inputs = {{in, DataType::f32, nullptr}};
    request.phase = phase;
    return backend_->compile(op, request);
  }
  std::string implementation(const Conv& op, const Shape& in,
                             Phase phase = Phase::inference) const {
    return compile(op, in, phase)->spec().implementation;
  }

  std::shared_ptr<Backend> backend_;
};

// Pictures as a layer before with ReLUs leaves them.
OpData data_for(const Conv& op, const Shape& in) {
  OpData data;
  data.inputs = {random_values(element_count(in), 1)};
  for (float& value : data.inputs[0]) value = std::max(value, 0.f);
  for (const ParamShape& param : param_shapes(op, {in}))
    data.params.push_back(random_values(element_count(param.shape), data.params.size() + 2, .05f));
  for (const Shape& out : output_shapes(op, {in}))
    data.output_grads.push_back(random_values(element_count(out), 9));
  return data;
}

void expect_close(const OpResult& got, const OpResult& want, double tolerance) {
  EXPECT_LE(relative_error(got.outputs[0], want.outputs[0]), tolerance);
  EXPECT_LE(relative_error(got.input_grads[0], want.input_grads[0]), tolerance);
  EXPECT_LE(relative_error(got.param_grads[0], want.param_grads[0]), tolerance);
  EXPECT_LE(relative_error(got.param_grads[1], want.param_grads[1]), tolerance);
}

TEST_F(Winograd, ComputesTheTablesCases) {
  int cases = 0;
  for (const OpCase& c : op_cases()) {
    if (!c.name.starts_with("conv_winograd")) continue;
    ++cases;
    for (Phase phase : {Phase::training, Phase::inference})
      EXPECT_TRUE(implementation(std::get<Conv>(c.op), c.inputs[0], phase).starts_with("winograd"))
          << c.name;
  }
  EXPECT_EQ(cases, 7);
}

TEST_F(Winograd, TakesTheTilesThatNeedTheFewestProducts) {
  EXPECT_TRUE(
      implementation(conv(192, 5, 1, Pad::all(2)), {1, 64, 27, 27}).starts_with("winograd 4x4:"));
  EXPECT_TRUE(
      implementation(conv(384, 3, 1, Pad::all(1)), {2, 192, 13, 13}).starts_with("winograd 5x5:"));
  EXPECT_TRUE(
      implementation(conv(64, 3, 1, Pad::all(1)), {4, 64, 8, 8}).starts_with("winograd 4x4:"));
}

TEST_F(Winograd, GathersStridesIntoBlocks) {
  const Conv first = conv(64, 11, 4, Pad::all(2));
  for (const Phase phase : {Phase::inference, Phase::training})
    EXPECT_TRUE(
        implementation(first, {8, 3, 224, 224}, phase).starts_with("winograd 5x5 over 4x4"));
  EXPECT_TRUE(compile(first, {8, 3, 224, 224}, Phase::inference)->spec().inputs[0].layout ==
              nullptr)
      << "a picture is read as it lies";
}

TEST_F(Winograd, LeavesOtherFormsToProductsAndOneDnn) {
  for (const Phase phase : {Phase::inference, Phase::training}) {
    const auto direct = [&](const Conv& op, const Shape& in) {
      return implementation(op, in, phase).starts_with("direct:");
    };
    EXPECT_TRUE(direct(conv(32, 5, 1, Pad::all(2)), {8, 3, 32, 32})) << "few channels";
    EXPECT_TRUE(direct(conv(64, 7, 1, Pad::all(3)), {8, 64, 27, 27})) << "kernel";
    EXPECT_TRUE(direct(conv(64, 1, 1, {}), {8, 64, 27, 27})) << "nothing to gain";
    const auto by_onednn = [&](const Conv& op, const Shape& in) {
      const std::string name = implementation(op, in, phase);
      return !name.starts_with("winograd") && !name.starts_with("direct");
    };
    EXPECT_TRUE(by_onednn(conv(21, 3, 1, Pad::all(1)), {8, 64, 27, 27}))
        << "outputs that fill no vector";
    EXPECT_TRUE(by_onednn(conv(64, 5, 2, Pad::all(2), 2), {8, 64, 27, 27})) << "groups of blocks";
  }
}

TEST_F(Winograd, IsExactEnoughAtAlexNetsSizes) {
  // 5e-7 is what the plain sum of products has; the parity with other frameworks asks for 1e-4.
  const std::pair<Conv, Shape> layers[] = {{conv(32, 5, 1, Pad::all(2)), {1, 64, 27, 27}},
                                           {conv(32, 3, 1, Pad::all(1)), {2, 384, 13, 13}},
                                           {conv(32, 3, 1, Pad::all(1)), {2, 256, 12, 12}}};
  for (const auto& [op, in] : layers) {
    const OpData data = data_for(op, in);
    expect_close(run_op(*backend_, op, {in}, data, {}), run_op(*backends()[0], op, {in}, data, {}),
                 8e-6);
  }
}

TEST_F(Winograd, TakesManyPicturesInPartsTheLastOneSmaller) {
  const Conv op = conv(16, 3, 1, Pad::all(1), 1, Activation::relu);
  const Shape in{27, 256, 13, 13};
  const OpData data = data_for(op, in);
  expect_close(run_op(*backend_, op, {in}, data, {}), run_op(*backends()[0], op, {in}, data, {}),
               2e-5);
}

TEST_F(Winograd, ShowsNotANumberBehindRelu) {
  const Conv op = conv(16, 3, 1, Pad::all(1), 1, Activation::relu);
  const Shape in{2, 16, 16, 16};
  OpData data = data_for(op, in);
  data.inputs[0][0] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_TRUE(std::isnan(run_op(*backend_, op, {in}, data, {}).outputs[0][0]));
}

TEST_F(Winograd, SaysThatTransformedWeightsCannotBeReadBack) {
  const auto kernel = compile(conv(16, 3, 1, Pad::all(1)), {2, 16, 16, 16}, Phase::inference);
  const TensorDesc& desc = kernel->spec().params[0];
  const auto buffer = backend_->allocate(desc.bytes());
  Values values(static_cast<size_t>(element_count(desc.shape)));
  const auto read = [&] { backend_->download(buffer->data(), desc, values.data()); };
  EXPECT_TRUE(has(error_of(read, Code::unsupported), "transformed"));
}

}  // namespace
}  // namespace alx::test
