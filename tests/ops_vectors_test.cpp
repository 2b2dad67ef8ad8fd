// Ops against numbers from elsewhere: published test vectors, torch's results, and rules of the
// design.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "golden_folder.h"
#include "op_runner.h"
#include "ops_cases.h"

namespace alx::test {
namespace {

class OpsOf : public testing::TestWithParam<std::string> {
 protected:
  Backend& backend() const { return *backend_named(GetParam()); }
  Values forward(const Op& op, const Shape& shape, const Values& x) const {
    return run_op(backend(), op, {shape}, {{x}, {}, {}}, {.phase = Phase::inference}).outputs[0];
  }
};

std::vector<std::string> backend_names() {
  std::vector<std::string> names;
  for (const auto& backend : backends()) names.push_back(backend->name());
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), ':', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Backends, OpsOf, testing::ValuesIn(backend_names()), test_name);

// local_response_norm_test.cc of TensorFlow Lite: windows of 2 r + 1, alpha not divided.
TEST_P(OpsOf, LrnOfTensorFlowLite) {
  const Values x{-1.1f, 0.6f, 0.7f, 1.2f, -0.7f, 0.1f};
  const auto y = [&](const Lrn& op) { return forward(op, {1, 6, 1, 1}, x); };
  constexpr auto across = Lrn::Region::across;
  EXPECT_LE(
      max_error(y(lrn(41, 0, 1, 0.5f, across, false)), {-0.55f, 0.3f, 0.35f, 0.6f, -0.35f, 0.05f}),
      1e-6);
  EXPECT_LE(max_error(y(lrn(41, 0, 4, 0.5f, across, false)),
                      {-0.275f, 0.15f, 0.175f, 0.3f, -0.175f, 0.025f}),
            1e-6);
  EXPECT_LE(max_error(y(lrn(41, 9, 4, 0.5f, across, false)),
                      {-0.22f, 0.12f, 0.14f, 0.24f, -0.14f, 0.02f}),
            1e-6);
  const Values r2{-0.264926f, 0.125109f, 0.140112f, 0.267261f, -0.161788f, 0.0244266f};
  EXPECT_LE(max_error(y(lrn(5, 9, 4, 0.5f, across, false)), r2), 4e-6);
  EXPECT_LE(max_error(y(lrn(5, 9, 20, 0.5f)), r2), 4e-6) << "the divided form";
}

// test_pooling_layer.cpp of Caffe.
TEST_P(OpsOf, MaxPoolOfCaffe) {
  const Values x{1, 2, 5, 2, 3, 9, 4, 1, 4, 8, 1, 2, 5, 2, 3};
  const Values ones(8, 1);
  const OpResult result =
      run_op(backend(), pool<MaxPool>(2, 1), {{1, 1, 3, 5}}, {{x}, {}, {ones}}, {});
  EXPECT_EQ(result.outputs[0], (Values{9, 5, 5, 8, 9, 5, 5, 8}));
  EXPECT_EQ(result.input_grads[0], (Values{0, 0, 2, 0, 0, 2, 0, 0, 0, 2, 0, 0, 2, 0, 0}))
      << "argmax 5 2 2 9 5 12 12 9";
}

// Caffe's 3x2 windows over magic(6): each row stands twice and each column three times, so that a
// 6x6 window sees them.
TEST_P(OpsOf, MaxPoolOfCaffeMagicSquare) {
  const Values magic{35, 1,  6,  26, 19, 24, 3,  32, 7,  21, 23, 25, 31, 9,  2,  22, 27, 20,
                     8,  28, 33, 17, 10, 15, 30, 5,  34, 12, 14, 16, 4,  36, 29, 13, 18, 11};
  const Values want{35, 32, 26, 27, 27, 32, 33, 33, 27, 27, 31, 34, 34, 27, 27, 36, 36, 34, 18, 18};
  Values stretched;
  for (size_t h = 0; h < 12; ++h)
    for (size_t w = 0; w < 18; ++w) stretched.push_back(magic[h / 2 * 6 + w / 3]);
  const Values y = forward(pool<MaxPool>(6, 1), {1, 1, 12, 18}, stretched);
  for (size_t h = 0; h < 4; ++h)
    for (size_t w = 0; w < 5; ++w)
      EXPECT_EQ(y[2 * h * 13 + 3 * w], want[h * 5 + w]) << h << " " << w;
}

// The window that starts beyond the input is dropped, and one that hangs over counts only what is
// there.
TEST_P(OpsOf, CeilPoolsOfAnAxis) {
  EXPECT_EQ(forward(pool<MaxPool>(2, 2, Pad::all(1), Round::ceil), {1, 1, 3, 3},
                    {1, 2, 3, 4, 5, 6, 7, 8, 9}),
            (Values{1, 3, 7, 9}));
  const Values mean =
      forward(pool<AvgPool>(2, 2, {}, Round::ceil), {1, 1, 3, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_LE(max_error(mean, {3, 4.5f, 7.5f, 9}), 1e-6);
}

TEST_P(OpsOf, PaddingNeverWins) {
  EXPECT_EQ(forward(pool<MaxPool>(3, 2, Pad::all(1)), {1, 1, 2, 2}, {-4, -3, -2, -1}),
            (Values{-1}));
}

// golden/ops.json, made by golden/make_ops.py.
TEST_P(OpsOf, AgreeWithTorch) {
  std::ifstream file(golden_folder() / "ops.json");
  ASSERT_TRUE(file) << "golden/ops.json is missing";
  const nlohmann::json golden = nlohmann::json::parse(file);
  size_t compared = 0;
  for (const OpCase& c : op_cases()) {
    if (!golden.contains(c.name)) continue;
    SCOPED_TRACE(c.name);
    ++compared;
    if (!refusal_of(backend(), c.op, c.inputs, {}).empty()) continue;
    const nlohmann::json& want = golden[c.name];
    const auto list = [&](const char* key) { return want.at(key).get<std::vector<Values>>(); };
    const OpResult got = run_op(backend(), c.op, c.inputs,
                                {list("inputs"), list("params"), list("output_grads")}, {});
    const auto outputs = list("outputs"), input_grads = list("input_grads"),
               param_grads = list("param_grads");
    for (size_t i = 0; i < outputs.size(); ++i)
      EXPECT_LE(max_error(got.outputs.at(i), outputs[i]), 1e-5);
    for (size_t i = 0; i < input_grads.size(); ++i)
      EXPECT_LE(relative_error(got.input_grads.at(i), input_grads[i]), 1e-5);
    for (size_t i = 0; i < param_grads.size(); ++i)
      EXPECT_LE(relative_error(got.param_grads.at(i), param_grads[i]), 1e-5);
  }
  EXPECT_EQ(compared, golden.size()) << "a golden case is not in the table";
}

// Two halves of a batch, as two workers would run them, give what the whole gives.
TEST_P(OpsOf, DropoutGoesByTheGlobalBatch) {
  const Values x = random_values(6 * 40, 1), dy = random_values(6 * 40, 2);
  const auto run = [&](int64_t first, int64_t count, uint64_t step) {
    const auto part = [&](const Values& v) {
      return Values(v.begin() + first * 40, v.begin() + (first + count) * 40);
    };
    return run_op(backend(), Dropout{}, {{count, 40, 1, 1}}, {{part(x)}, {}, {part(dy)}},
                  {.step = {.seed = 5, .step = step, .first_image = first, .global_batch = 6}});
  };
  const auto joined = [](Values a, const Values& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  };
  const OpResult whole = run(0, 6, 1), low = run(0, 2, 1), high = run(2, 4, 1);
  EXPECT_EQ(whole.outputs[0], joined(low.outputs[0], high.outputs[0]));
  EXPECT_EQ(whole.input_grads[0], joined(low.input_grads[0], high.input_grads[0]));
  EXPECT_NE(whole.outputs[0], run(0, 6, 2).outputs[0]) << "another step, another mask";
}

TEST_P(OpsOf, DropoutKeepsTheRightShare) {
  const OpRun run{.step = {.seed = 1, .step = 1}};
  const int64_t count = 20000;
  const Values ones(count, 1);
  for (float drop : {0.1f, 0.5f, 0.8f})
    for (bool inverted : {true, false}) {
      const Values y =
          run_op(backend(), Dropout{drop, inverted}, {{2, count / 2}}, {{ones}, {}, {ones}}, run)
              .outputs[0];
      const float kept = inverted ? 1 / (1 - drop) : 1;
      const auto zeros = std::count(y.begin(), y.end(), 0.0f);
      EXPECT_NEAR(static_cast<double>(zeros) / count, drop, 0.02);
      for (float v : y) EXPECT_TRUE(v == 0 || std::abs(v - kept) < 1e-6f * kept) << v;
    }
}

TEST_P(OpsOf, DropoutMasksDifferByName) {
  const Values x = random_values(200, 1);
  const auto masked = [&](const char* name) {
    return run_op(backend(), Dropout{}, {{2, 100}}, {{x}, {}, {x}}, {.name = name}).outputs[0];
  };
  EXPECT_NE(masked("drop6"), masked("drop7"));
}

TEST_P(OpsOf, LossGoesByTheGlobalBatch) {
  const OpData data{{random_values(8, 1), {0, 3}}, {}, {}};
  const std::vector<Shape> shapes{{2, 4}, {2}};
  const OpResult own = run_op(backend(), SoftmaxLoss{}, shapes, data, {});
  OpResult shared = run_op(backend(), SoftmaxLoss{}, shapes, data,
                           {.step = {.first_image = 2, .global_batch = 8}});
  EXPECT_EQ(own.outputs, shared.outputs);
  for (float& v : shared.input_grads[0]) v *= 4;
  EXPECT_LE(relative_error(shared.input_grads[0], own.input_grads[0]), 1e-6);
}

// torch.nn.CrossEntropyLoss(weight=w, label_smoothing=s), reduction "mean", by its documentation:
// the sum over images and classes of -t w log p, divided by the sum of w of the images' labels.
TEST_P(OpsOf, LossWeighsClassesAsTorchDoes) {
  const std::vector<float> w{0.5f, 4, 1};
  const Values x{0.3f, -1.2f, 2, 1.5f, 0.1f, -0.4f, -2, 0.7f, 0.2f, 1, 1, -1};
  const std::vector<size_t> labels{1, 0, 1, 2};
  for (const double s : {0.0, 0.1}) {
    double loss = 0, divisor = 0;
    Values gradient(12);
    for (size_t n = 0; n < 4; ++n) divisor += w[labels[n]];
    for (size_t n = 0; n < 4; ++n) {
      double sum = 0;
      for (size_t c = 0; c < 3; ++c) sum += std::exp(static_cast<double>(x[3 * n + c]));
      for (size_t c = 0; c < 3; ++c) {
        const double t = ((c == labels[n] ? 1 - s : 0) + s / 3) * w[c];
        loss -= t * (x[3 * n + c] - std::log(sum)) / divisor;
        // of -t log p[c] by each logit: t (p[i] - (i == c))
        for (size_t i = 0; i < 3; ++i)
          gradient[3 * n + i] += static_cast<float>(
              t * (std::exp(static_cast<double>(x[3 * n + i])) / sum - (i == c)) / divisor);
      }
    }
    const OpData data{{x, {1, 0, 1, 2}}, {}, {}};
    const OpResult result = run_op(backend(), SoftmaxLoss{static_cast<float>(s), w}, {{4, 3}, {4}},
                                   data, {.step = {.loss_divisor = static_cast<float>(divisor)}});
    double mean = 0;
    for (const float each : result.outputs[1]) mean += each / divisor;
    EXPECT_NEAR(mean, loss, 1e-6) << s;
    EXPECT_LE(relative_error(result.input_grads[0], gradient), 1e-6) << s;
  }
}

TEST_P(OpsOf, LabelBeyondTheClassesIsRefused) {
  const OpData data{{random_values(8, 1), {0, 4}}, {}, {}};
  // its kernels cannot refuse: Network::set_labels did
  if (backend().name().starts_with("cudnn")) {
    const Values losses = run_op(backend(), SoftmaxLoss{}, {{2, 4}, {2}}, data, {}).outputs[1];
    EXPECT_TRUE(std::isfinite(losses[0]) && std::isnan(losses[1]));
    return;
  }
  try {
    run_op(backend(), SoftmaxLoss{}, {{2, 4}, {2}}, data, {});
    FAIL() << "label 4 of 4 classes was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("label 4"), std::string::npos) << error.what();
  }
}

// v = m v - rate (g + decay w), w += v; or v = m v + g + decay w, w -= rate v.
TEST_P(OpsOf, MomentumInBothForms) {
  constexpr size_t count = 19;  // no multiple of a vector's width
  const Values weight = random_values(count, 1), velocity = random_values(count, 2),
               grad = random_values(count, 3);
  const TensorDesc desc{{count}, DataType::f32, nullptr};
  for (bool rate_in_velocity : {true, false}) {
    std::vector<std::shared_ptr<Buffer>> memory;
    for (const Values* values : {&weight, &velocity, &grad}) {
      memory.push_back(backend().allocate(count * sizeof(float)));
      backend().upload(values->data(), desc, memory.back()->data());
    }
    const StepContext step{.loss_scale = 4, .rate = 0.05f};
    backend().begin_pass(step);
    backend().update({Sgd{0.9f, 0.05f, rate_in_velocity},
                      memory[0]->data(),
                      {static_cast<float*>(memory[1]->data())},
                      memory[2]->data(),
                      count,
                      2});
    backend().synchronize();
    Values new_weight(count), new_velocity(count), want_weight, want_velocity;
    backend().download(memory[0]->data(), desc, new_weight.data());
    backend().download(memory[1]->data(), desc, new_velocity.data());
    for (size_t i = 0; i < count; ++i) {
      const float slope = grad[i] / 4 + 0.05f * weight[i];
      want_velocity.push_back(0.9f * velocity[i] + (rate_in_velocity ? -0.1f * slope : slope));
      want_weight.push_back(weight[i] +
                            (rate_in_velocity ? want_velocity[i] : -0.1f * want_velocity[i]));
    }
    EXPECT_LE(max_error(new_weight, want_weight), 1e-6);
    EXPECT_LE(max_error(new_velocity, want_velocity), 1e-6);
  }
}

TEST_P(OpsOf, CopyFromAnotherBackend) {
  const Values x = random_values(33, 1);
  const TensorDesc desc{{33}, DataType::f32, nullptr};
  for (const auto& source : backends()) {
    auto from = source->allocate(desc.bytes()), to = backend().allocate(desc.bytes());
    source->upload(x.data(), desc, from->data());
    backend().copy_from(*source, from->data(), to->data(), desc.bytes());
    Values y(33);
    backend().download(to->data(), desc, y.data());
    EXPECT_EQ(x, y) << source->name();
  }
}

TEST(Reference, ComputesInF32Alone) {
  try {
    backends()[0]->compile(Relu{}, {"relu7",
                                    {"relu7"},
                                    {{{1, 2}, DataType::f32, nullptr}},
                                    {},
                                    Phase::inference,
                                    {.activations = DataType::bf16}});
    FAIL() << "bf16 was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::unsupported);
    EXPECT_NE(std::string(error.what()).find("relu7"), std::string::npos) << error.what();
  }
}

TEST(Reference, NamesTheNodeThatDoesNotFit) {
  try {
    backends()[0]->compile(
        conv(4, 5, 1, {}),
        {"conv9", {"conv9"}, {{{1, 2, 3, 3}, DataType::f32, nullptr}}, {}, {}, {}});
    FAIL() << "a 5x5 window over 3x3 was taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::invalid_argument);
    EXPECT_NE(std::string(error.what()).find("conv9"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace alx::test
