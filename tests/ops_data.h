// What the cases of the table are run with.
#pragma once
#include <cmath>
#include <utility>

#include "core/random.h"
#include "graph/ops.h"
#include "op_runner.h"
#include "ops_cases.h"

namespace alx::test {

inline bool is_loss(const OpCase& c) { return std::holds_alternative<SoftmaxLoss>(c.op); }
inline OpRun run_of(const OpCase& c, Phase phase) {
  return {.phase = phase, .step = {.seed = 7, .step = 3}, .part = c.part};
}

// Distinct values, none of them 0, far enough apart that a small step changes no order and no sign.
inline Values separated_values(int64_t count, uint64_t stream, float scale) {
  Values values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = scale * ((static_cast<float>(i) + 0.25f) / static_cast<float>(count) * 2 - 1);
  const Random random(2, stream, 0);
  for (size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[random.below(i, i)]);
  return values;
}

// Labels are drawn from -1 (a row that does not count) to C - 1; the first is -1.
inline Values labels_for(const Shape& logits) {
  const Random random(3, 0, 0);
  Values labels(static_cast<size_t>(logits[0]), -1);
  for (size_t i = 1; i < labels.size(); ++i)
    labels[i] = static_cast<float>(random.below(i, static_cast<uint64_t>(logits[1] + 1))) - 1;
  return labels;
}

inline OpData data_for(const OpCase& c) {
  OpData data;
  uint64_t stream = hash_name(c.name);
  for (const Shape& shape : c.inputs)
    data.inputs.push_back(separated_values(element_count(shape), stream++, c.scale));
  if (is_loss(c)) data.inputs[1] = labels_for(c.inputs[0]);
  for (const ParamShape& param : param_shapes(c.op, c.inputs)) {
    const auto fan_in = static_cast<float>(element_count(param.shape) / param.shape[0]);
    data.params.push_back(
        random_values(element_count(param.shape), stream++, std::sqrt(3 / fan_in)));
  }
  for (const Shape& shape : output_shapes(c.op, c.inputs))
    data.output_grads.push_back(random_values(element_count(shape), stream++));
  return data;
}

}  // namespace alx::test
