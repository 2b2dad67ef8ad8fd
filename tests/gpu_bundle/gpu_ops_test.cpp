// The op table on a GPU in every precision, against the reference backend: what is wrong, where,
// and which algorithm did it. What goes in is rounded to the precision first, so that only sums and
// results may differ.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/random.h"
#include "first_wrong.h"
#include "gpus.h"
#include "network/session.h"
#include "op_runner.h"
#include "ops_cases.h"
#include "plan/types.h"

namespace alx::test {
namespace {

struct Param {
  Precision precision;
  OpCase c;
};

std::ostream& operator<<(std::ostream& out, const Param& param) {
  return out << param.c.name << " in " << name_of(param.precision);
}

// Of results, relative to the largest, and of gradients, in L2: a ReLU beside zero may let another
// gradient through.
struct Bounds {
  double output, gradient;
};

Bounds bounds_of(const Param& param) {
  static const std::map<Precision, Bounds> bounds{{Precision::tf32, {2e-3, 2e-3}},
                                                  {Precision::fp16, {4e-3, 3e-2}},
                                                  {Precision::bf16, {3e-2, 1.5e-1}}};
  const auto found = bounds.find(param.precision);
  return found == bounds.end() ? Bounds{param.c.tolerance, param.c.tolerance} : found->second;
}

int bits_of(Precision precision) {
  return precision == Precision::fp32 ? 24 : precision == Precision::bf16 ? 8 : 11;
}

void round_to(Precision precision, Values& values) {
  const int bits = bits_of(precision);
  for (float& value : values) {
    int exponent = 0;
    const float fraction = std::frexp(value, &exponent);
    value = std::ldexp(std::nearbyint(std::ldexp(fraction, bits)), exponent - bits);
  }
}

// No two in a window of up to 16 x 16 are equal, in any precision: rounding may not decide which is
// the largest.
Values values_without_ties(const Shape& shape, float scale) {
  Values values(static_cast<size_t>(element_count(shape)));
  const auto height = static_cast<size_t>(shape[2]), width = static_cast<size_t>(shape[3]);
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t x = i % width, y = i / width % height, plane = i / width / height;
    values[i] =
        scale * (static_cast<float>((37 * (x % 16 + 16 * (y % 16)) + 11 * plane) % 256) / 128 - 1);
  }
  return values;
}

bool is_labels(const OpCase& c, size_t input) {
  return std::holds_alternative<SoftmaxLoss>(c.op) && input == 1;
}

OpData data_for(const Param& param) {
  const OpCase& c = param.c;
  OpData data;
  uint64_t stream = hash_name(c.name);
  const auto add = [&](std::vector<Values>& list, Values values) {
    round_to(param.precision, values);
    list.push_back(std::move(values));
  };
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const Shape& shape = c.inputs[i];
    if (is_labels(c, i)) {
      Values labels;
      for (int64_t row = 0; row < shape[0]; ++row)
        labels.push_back(static_cast<float>(row % c.inputs[0][1]));
      data.inputs.push_back(labels);
    } else if (std::holds_alternative<MaxPool>(c.op)) {
      add(data.inputs, values_without_ties(shape, c.scale));
    } else {
      add(data.inputs, random_values(element_count(shape), stream++, c.scale));
    }
  }
  for (const ParamShape& weight : param_shapes(c.op, c.inputs)) {
    const auto fan_in = static_cast<float>(element_count(weight.shape) / weight.shape[0]);
    add(data.params, random_values(element_count(weight.shape), stream++, std::sqrt(3 / fan_in)));
  }
  for (const Shape& shape : output_shapes(c.op, c.inputs))
    add(data.output_grads, random_values(element_count(shape), stream++));
  return data;
}

class GpuOps : public testing::TestWithParam<Param> {
 protected:
  void SetUp() override {
    const auto& all = backends();
    const auto found = std::find_if(all.begin(), all.end(),
                                    [](const auto& b) { return b->name().starts_with("cudnn"); });
    ASSERT_NE(found, all.end()) << "no GPU can be used";
    gpu_ = *found;
    const std::string refusal = refusal_of(*gpu_, c().op, c().inputs, run_in(GetParam().precision));
    if (!refusal.empty()) GTEST_SKIP() << refusal;
  }

  const OpCase& c() const { return GetParam().c; }
  OpRun run_in(Precision precision) const {
    return {"node", c().phase, {.seed = 7, .step = 3}, false, {}, precision, c().part};
  }

  std::string algorithm() const {
    CompileRequest request{"node", {"node"},  {},
                           {},     c().phase, types_of(c().op, GetParam().precision, c().phase)};
    for (size_t i = 0; i < c().inputs.size(); ++i) {
      const bool labels = is_labels(c(), i);
      request.inputs.push_back({c().inputs[i], labels ? DataType::i32 : DataType::f32, nullptr});
      if (c().phase == Phase::training) request.input_grads.push_back(!labels);
    }
    return gpu_->compile(c().op, request)->spec().implementation;
  }

  void expect_close(const std::vector<Values>& got, const std::vector<Values>& want,
                    const std::vector<Shape>& shapes, const char* what, double allowed,
                    bool by_norm) {
    ASSERT_EQ(got.size(), want.size()) << what;
    for (size_t i = 0; i < want.size(); ++i) {
      const double error = by_norm ? relative_error(got[i], want[i]) : max_error(got[i], want[i]);
      worst_ = std::max(worst_, error);
      if (error <= allowed * tolerance_factor()) continue;
      ADD_FAILURE() << what << ' ' << i << ' ' << first_wrong(got[i], want[i], shapes[i], allowed)
                    << (by_norm ? "; the norm of the difference is "
                                : "; the largest difference is ")
                    << general(error, 3) << " of what is wanted, " << general(allowed, 3)
                    << " is allowed";
    }
  }

  std::shared_ptr<Backend> gpu_;
  double worst_ = 0;
};

TEST_P(GpuOps, AgreeWithTheReference) {
  const Precision precision = GetParam().precision;
  const std::string algorithm_used = algorithm();
  std::string shapes;
  std::vector<Shape> params;
  for (const Shape& shape : c().inputs) shapes += (shapes.empty() ? "" : ", ") + to_string(shape);
  for (const ParamShape& param : param_shapes(c().op, c().inputs)) params.push_back(param.shape);
  SCOPED_TRACE(cat(name_of(c().op), " of ", shapes, " by ", algorithm_used));

  const OpData data = data_for(GetParam());
  const OpResult got = run_op(*gpu_, c().op, c().inputs, data, run_in(precision));
  const OpResult want = run_op(*backends()[0], c().op, c().inputs, data, run_in(Precision::fp32));
  const Bounds allowed = bounds_of(GetParam());
  expect_close(got.outputs, want.outputs, output_shapes(c().op, c().inputs), "output",
               allowed.output, false);
  expect_close(got.input_grads, want.input_grads, c().inputs, "gradient of input", allowed.gradient,
               true);
  expect_close(got.param_grads, want.param_grads, params, "gradient of parameter", allowed.gradient,
               true);
  RecordProperty("algorithm", algorithm_used);
  RecordProperty("error", general(worst_, 3));
}

std::vector<Param> params() {
  std::vector<Param> list;
  for (const Precision precision :
       {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16})
    for (const OpCase& c : op_cases()) list.push_back({precision, c});
  return list;
}

INSTANTIATE_TEST_SUITE_P(Table, GpuOps, testing::ValuesIn(params()), [](const auto& instance) {
  std::string name = cat(name_of(instance.param.precision), "_", instance.param.c.name);
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

}  // namespace
}  // namespace alx::test
