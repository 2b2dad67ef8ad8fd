#include "plan/types.h"

#include <algorithm>

#include "core/error.h"

namespace alx {

NodeTypes types_of(const Op& op, Precision precision, Phase phase) {
  const OpFacts facts = facts_of(op);
  switch (precision) {
    case Precision::fp32: return {};
    case Precision::tf32: return {.tf32 = true};
    case Precision::fp16:
    case Precision::bf16: {
      const DataType half = precision == Precision::fp16 ? DataType::f16 : DataType::bf16;
      return {.activations = half, .weights = phase == Phase::training ? DataType::f32 : half};
    }
    case Precision::int8:
      return {.weights = facts.convolution || facts.dense ? DataType::i8 : DataType::f32};
  }
  return {};
}

void check_takes(const std::string& device, const std::vector<Precision>& taken,
                 Precision precision, Phase phase) {
  if (std::ranges::count(taken, precision)) return;
  const bool training = phase == Phase::training;
  fail(Code::unsupported, device, training ? " trains in " : " computes in ", list_of(taken, "or"),
       ", not in ", name_of(precision));
}

}  // namespace alx
