// Networks on one GPU in every precision: against torch's golden numbers and the CPU, on towers,
// and run twice.
#include <gtest/gtest.h>

#include <algorithm>

#include "golden_networks.h"
#include "gpus.h"
#include "models/zoo.h"
#include "network/session.h"
#include "tiny_training.h"

namespace alx::test {
namespace {

constexpr Precision precisions[] = {Precision::fp32, Precision::tf32, Precision::fp16,
                                    Precision::bf16};

Allowed allowed_in(Precision precision) {
  switch (precision) {
    // cuDNN's Winograd is further off than plain sums
    case Precision::fp32: return {1e-4, 1e-4, 1e-3, 1e-3};
    case Precision::tf32: return {1e-2, 5e-3, 1e-2, 5e-2};
    // a saturated tanh has few bits left for its slope
    case Precision::fp16: return {1e-2, 5e-3, 2e-2, 2e-1};
    default: return {8e-2, 4e-2, 8e-2, 4e-1};
  }
}

std::string word(std::string name) {
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

class GpuTest : public testing::Test {
 protected:
  static void SetUpTestSuite() { use_test_gpus(); }
  void TearDown() override { EXPECT_EQ(gpu_violations(), std::vector<std::string>()); }
};

struct NetworkCase {
  Precision precision;
  std::string name;
};

std::ostream& operator<<(std::ostream& out, const NetworkCase& c) {
  return out << c.name << " in " << name_of(c.precision);
}

class GoldenOnGpu : public GpuTest, public testing::WithParamInterface<NetworkCase> {
 protected:
  const Golden golden_{GetParam().name};
  const NetSpec spec_ = make_model(GetParam().name);
};

TEST_P(GoldenOnGpu, InferenceGivesTorchsNumbers) {
  const Precision precision = GetParam().precision;
  expect_torchs_answers(golden_, spec_, open_devices("cuda:0"), precision, allowed_in(precision));
}

TEST_P(GoldenOnGpu, TrainingGivesTorchsGradients) {
  const Precision precision = GetParam().precision;
  expect_torchs_gradients(golden_, spec_, open_devices("cuda:0"), precision, allowed_in(precision));
}

std::vector<NetworkCase> networks() {
  std::vector<NetworkCase> list;
  for (const Precision precision : precisions)
    for (const std::string& name : model_names()) {
      const bool large = make_model(name).input.height > 64;  // a minute each on a simulated GPU
      if (gpus_are_real() || !large) list.push_back({precision, name});
    }
  return list;
}

INSTANTIATE_TEST_SUITE_P(Zoo, GoldenOnGpu, testing::ValuesIn(networks()), [](const auto& instance) {
  return word(cat(name_of(instance.param.precision), "_", instance.param.name));
});

class GpuTraining : public GpuTest, public testing::WithParamInterface<Precision> {
 protected:
  static NetSpec of_size(const char* name) { return gpus_are_real() ? small(name) : tiny_towers(); }
  static NetSpec towers() { return of_size("alexnet-2012"); }
  static NetSpec column() { return of_size("alexnet"); }
};

// Of weights and losses; of biases: those that start at 0 are nothing but a few gradients, and each
// ReLU or largest of a window that rounding decides otherwise moves one.
struct Steps {
  double weight, bias;
};

Steps allowed_steps(Precision precision) {
  switch (precision) {
    case Precision::fp32: return {1e-3, 1e-2};
    case Precision::bf16: return {1e-1, 5e-1};
    default: return {3e-2, 2e-1};
  }
}

void expect_close(const Trained& got, const Trained& want, const NetSpec& spec, const Steps& all) {
  const auto params = params_of(spec);
  EXPECT_EQ(
      first_wrong(got.losses, want.losses, {static_cast<int64_t>(want.losses.size())}, all.weight),
      "")
      << "of the losses of four pictures a step";
  ASSERT_EQ(got.weights.size(), want.weights.size());
  for (size_t i = 0; i < want.weights.size(); ++i) {
    const double allowed = params[i].name.ends_with(".bias") ? all.bias : all.weight;
    if (relative_error(got.weights[i], want.weights[i]) <= allowed * tolerance_factor()) continue;
    ADD_FAILURE() << params[i].name << ": "
                  << first_wrong(got.weights[i], want.weights[i], params[i].shape, allowed)
                  << "; the norm of the difference is "
                  << relative_error(got.weights[i], want.weights[i]) << " of what is wanted, "
                  << allowed << " is allowed";
  }
}

TEST_P(GpuTraining, TowersGiveTheSameBitsOnOneGpuNamedTwice) {
  const Trained one = train(towers(), "cuda:0", GetParam()),
                two = train(towers(), "cuda:0,cuda:0", GetParam());
  EXPECT_TRUE(one == two);
  expect_close(two, one, towers(), {});
}

TEST_P(GpuTraining, TheSameStepsTwiceGiveTheSameBits) {
  constexpr int steps = 5;  // the later ones are replayed
  const Trained first = train(column(), "cuda:0", GetParam(), steps);
  const Trained second = train(column(), "cuda:0", GetParam(), steps);
  EXPECT_TRUE(first == second);
  expect_close(second, first, column(), {});
}

TEST_P(GpuTraining, StepsGiveWhatTheCpuGives) {
  for (const NetSpec& spec : {column(), towers()}) {
    SCOPED_TRACE(spec.id);
    const float scale = GetParam() == Precision::fp16 ? 1024 : 1;  // small gradients would vanish
    expect_close(train(spec, "cuda:0", GetParam(), 4, scale),
                 train(spec, "cpu", Precision::fp32, 4), spec, allowed_steps(GetParam()));
  }
}

INSTANTIATE_TEST_SUITE_P(Steps, GpuTraining, testing::ValuesIn(precisions),
                         [](const auto& instance) { return std::string(name_of(instance.param)); });

}  // namespace
}  // namespace alx::test
