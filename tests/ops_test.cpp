// Every op on every backend: the reference against finite differences, the others against the
// reference.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "ops_data.h"

namespace alx::test {
namespace {

bool is_dropout(const OpCase& c) { return std::holds_alternative<Dropout>(c.op); }
bool moves_images(const OpCase& c) {
  const auto* concat = std::get_if<Concat>(&c.op);
  return std::holds_alternative<BatchSlice>(c.op) || (concat && concat->images);
}

void expect_close(const OpResult& got, const OpResult& want, double tolerance) {
  ASSERT_EQ(got.outputs.size(), want.outputs.size());
  ASSERT_EQ(got.input_grads.size(), want.input_grads.size());
  ASSERT_EQ(got.param_grads.size(), want.param_grads.size());
  for (size_t i = 0; i < want.outputs.size(); ++i)
    EXPECT_LE(max_error(got.outputs[i], want.outputs[i]), tolerance) << "output " << i;
  for (size_t i = 0; i < want.input_grads.size(); ++i)
    EXPECT_LE(relative_error(got.input_grads[i], want.input_grads[i]), tolerance)
        << "gradient of input " << i;
  for (size_t i = 0; i < want.param_grads.size(); ++i)
    EXPECT_LE(relative_error(got.param_grads[i], want.param_grads[i]), tolerance)
        << "gradient of parameter " << i;
}

struct Param {
  std::string backend;
  OpCase c;
};

std::ostream& operator<<(std::ostream& out, const Param& param) {
  return out << param.backend << " " << param.c.name;
}

template <class Wanted>
std::vector<Param> params_where(Wanted wanted) {
  std::vector<Param> params;
  for (const auto& backend : backends())
    for (const OpCase& c : op_cases())
      if (Param param{backend->name(), c}; wanted(param)) params.push_back(std::move(param));
  return params;
}

std::string name_of_param(const testing::TestParamInfo<Param>& info) {
  std::string name = info.param.backend + "_" + info.param.c.name;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); },
      '_');
  return name;
}

class Ops : public testing::TestWithParam<Param> {
 protected:
  void SetUp() override {
    const std::string refusal = refusal_of(backend(), c().op, c().inputs, run_of(c(), c().phase));
    if (refusal.empty()) return;
    ASSERT_TRUE(GetParam().backend.starts_with("cudnn"))
        << "hosts have the plain loops: " << refusal;
    GTEST_SKIP() << refusal;
  }
  const OpCase& c() const { return GetParam().c; }
  Backend& backend() const { return *backend_named(GetParam().backend); }
  bool is_reference() const { return GetParam().backend == "reference"; }
  OpResult run(const OpData& data, const OpRun& run) const {
    return run_op(backend(), c().op, c().inputs, data, run);
  }
  OpResult run(const OpData& data) const { return run(data, run_of(c(), c().phase)); }
};

class OtherBackends : public Ops {};
class OpsOfImages : public Ops {};
class TrainedOps : public Ops {};
class PhaselessOps : public Ops {};

INSTANTIATE_TEST_SUITE_P(Table, Ops,
                         testing::ValuesIn(params_where([](const Param&) { return true; })),
                         name_of_param);
INSTANTIATE_TEST_SUITE_P(Table, OpsOfImages, testing::ValuesIn(params_where([](const Param& p) {
                           return !moves_images(p.c);
                         })),
                         name_of_param);
INSTANTIATE_TEST_SUITE_P(Table, OtherBackends, testing::ValuesIn(params_where([](const Param& p) {
                           return p.backend != "reference";
                         })),
                         name_of_param);
INSTANTIATE_TEST_SUITE_P(Table, TrainedOps, testing::ValuesIn(params_where([](const Param& p) {
                           return p.c.phase == Phase::training;
                         })),
                         name_of_param);
INSTANTIATE_TEST_SUITE_P(Table, PhaselessOps, testing::ValuesIn(params_where([](const Param& p) {
                           return !is_dropout(p.c);
                         })),
                         name_of_param);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(OtherBackends);

TEST_P(OtherBackends, AgreeWithReference) {
  const OpData data = data_for(c());
  expect_close(run(data), run_op(*backends()[0], c().op, c().inputs, data, run_of(c(), c().phase)),
               c().tolerance);
}

TEST_P(Ops, RunsAreBitEqualAlsoInPlace) {
  const OpData data = data_for(c());
  const OpResult first = run(data);
  EXPECT_EQ(first, run(data));
  OpRun sharing = run_of(c(), c().phase);
  sharing.share = true;
  EXPECT_EQ(first, run(data, sharing)) << "where results take the memory of their sources";
}

TEST_P(TrainedOps, LeaveOutGradientsThatNobodyWants) {
  const OpData data = data_for(c());
  const OpResult all = run(data);
  for (size_t i = 0; i < c().inputs.size(); ++i) {
    OpRun some = run_of(c(), c().phase);
    some.input_grads.assign(c().inputs.size(), true);
    some.input_grads[i] = false;
    if (is_loss(c())) some.input_grads[1] = false;
    const OpResult result = run(data, some);
    OpResult want = all;
    for (size_t j = 0; j < c().inputs.size(); ++j)
      if (!some.input_grads[j]) want.input_grads[j].clear();
    // others may choose another kernel
    expect_close(result, want, is_reference() ? 0 : c().tolerance);
  }
}

TEST_P(PhaselessOps, InferenceGivesWhatTrainingGives) {
  const OpData data = data_for(c());
  const OpResult training = run(data, run_of(c(), Phase::training)),
                 inference = run(data, run_of(c(), Phase::inference));
  EXPECT_TRUE(inference.input_grads.empty());
  for (size_t i = 0; i < training.outputs.size(); ++i)
    EXPECT_LE(max_error(inference.outputs[i], training.outputs[i]),
              is_reference() ? 0 : c().tolerance);
}

// The design asks for bit-equal answers whatever the other images hold.
TEST_P(OpsOfImages, AnImageDoesNotDependOnTheOthers) {
  OpData data = data_for(c());
  const OpResult before = run(data);
  for (size_t i = 0; i < data.inputs.size(); ++i) {
    const size_t image = data.inputs[i].size() / static_cast<size_t>(c().inputs[0][0]);
    std::reverse(data.inputs[i].begin() + static_cast<std::ptrdiff_t>(image), data.inputs[i].end());
  }
  const OpResult after = run(data);
  for (size_t i = 0; i < before.outputs.size(); ++i) {
    const auto image = static_cast<std::ptrdiff_t>(before.outputs[i].size() /
                                                   static_cast<size_t>(c().inputs[0][0]));
    EXPECT_TRUE(std::equal(before.outputs[i].begin(), before.outputs[i].begin() + image,
                           after.outputs[i].begin()));
  }
}

// --- finite differences -------------------------------------------------------------------------

// Linear and smooth ops bear a larger step than those with kinks, where it stays below half the
// space between values; what softmax does with a step does not depend on how large the logits are.
float step_of(const OpCase& c) {
  if (std::holds_alternative<MaxPool>(c.op) || std::holds_alternative<Relu>(c.op))
    return 1e-4f * c.scale;
  if (std::holds_alternative<Softmax>(c.op) || is_loss(c)) return 1e-3f;
  return 1e-3f * c.scale;
}

// Both ends of a step in a random direction. What is stored is what counts, so rounding costs
// nothing.
struct Ends {
  Values low, high;
  Values difference() const {
    Values d(low.size());
    for (size_t i = 0; i < d.size(); ++i) d[i] = high[i] - low[i];
    return d;
  }
};

Ends ends_of(const Values& at, float size, uint64_t stream) {
  const Values direction = random_values(static_cast<int64_t>(at.size()), stream, size);
  Ends ends{at, at};
  for (size_t i = 0; i < at.size(); ++i) ends.low[i] -= direction[i], ends.high[i] += direction[i];
  return ends;
}

class FiniteDifferences : public testing::TestWithParam<Param> {
 protected:
  const OpCase& c() const { return GetParam().c; }
  OpResult run(const OpData& data) const {
    return run_op(*backends()[0], c().op, c().inputs, data, run_of(c(), Phase::training));
  }

  // Varies one tensor of `data` and compares the change of sum(output_grads * outputs) with the
  // gradient's forecast.
  void check(OpData data, std::vector<Values> OpData::*group, size_t which, float size,
             uint64_t stream) const {
    const Ends ends = ends_of((data.*group)[which], size, stream);
    OpData low = data, high = data;
    (low.*group)[which] = ends.low;
    (high.*group)[which] = ends.high;
    const OpResult below = run(low), above = run(high);
    leave_out_kinks(below, above, data);
    const OpResult at = run(data);
    const Values& gradient =
        group == &OpData::inputs ? at.input_grads[which] : at.param_grads[which];
    const double forecast = dot(gradient, ends.difference());
    double change = 0;
    for (size_t i = 0; i < at.outputs.size(); ++i)
      for (size_t j = 0; j < at.outputs[i].size(); ++j)
        change +=
            weight(data, i, j) * (static_cast<double>(above.outputs[i][j]) - below.outputs[i][j]);
    const double scale = norm(gradient) * norm(ends.difference()) + 1e-9;
    EXPECT_LE(std::abs(change - forecast), 2e-3 * scale)
        << "change " << change << ", forecast " << forecast;
  }

 private:
  double weight(const OpData& data, size_t output, size_t j) const {
    if (!is_loss(c())) return data.output_grads[output][j];
    return output == 0 ? 0 : 1.0 / static_cast<double>(c().inputs[0][0]);  // the mean of the losses
  }

  // Where a fused ReLU switches between the ends there is no derivative to compare with.
  static void leave_out_kinks(const OpResult& below, const OpResult& above, OpData& data) {
    for (size_t i = 0; i < below.outputs.size(); ++i)
      for (size_t j = 0; j < below.outputs[i].size(); ++j)
        if ((below.outputs[i][j] == 0) != (above.outputs[i][j] == 0)) data.output_grads[i][j] = 0;
  }
};

INSTANTIATE_TEST_SUITE_P(Table, FiniteDifferences,
                         testing::ValuesIn(params_where([](const Param& p) {
                           return p.backend == "reference" && p.c.phase == Phase::training;
                         })),
                         name_of_param);

TEST_P(FiniteDifferences, Agree) {
  const OpData data = data_for(c());
  for (uint64_t direction = 0; direction < 3; ++direction) {
    for (size_t i = 0; i < data.inputs.size(); ++i) {
      SCOPED_TRACE(testing::Message() << "input " << i << ", direction " << direction);
      if (is_loss(c()) && i == 1) continue;
      check(data, &OpData::inputs, i, step_of(c()), direction);
    }
    for (size_t i = 0; i < data.params.size(); ++i) {
      SCOPED_TRACE(testing::Message() << "parameter " << i << ", direction " << direction);
      check(data, &OpData::params, i, 1e-3f, 10 + direction);
    }
  }
}

}  // namespace
}  // namespace alx::test
