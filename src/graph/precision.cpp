#include "graph/precision.h"

#include "core/error.h"

namespace alx {
namespace {

constexpr Precision all[] = {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16, Precision::int8};

}  // namespace

const char* name_of(Precision precision) {
  switch (precision) {
    case Precision::fp32: return "fp32";
    case Precision::tf32: return "tf32";
    case Precision::fp16: return "fp16";
    case Precision::bf16: return "bf16";
    case Precision::int8: return "int8";
  }
  return "?";
}

Precision precision_named(const std::string& name) {
  for (const Precision precision : all)
    if (name == name_of(precision)) return precision;
  fail(Code::invalid_argument, "no precision is called '", name, "'; there are ",
       names_of({std::begin(all), std::end(all)}, "and"));
}

std::string names_of(const std::vector<Precision>& precisions, const char* last) {
  std::string text;
  for (size_t i = 0; i < precisions.size(); ++i)
    text += cat(i == 0                       ? ""
                : i + 1 == precisions.size() ? cat(" ", last, " ")
                                             : std::string(", "),
                name_of(precisions[i]));
  return text;
}

DataType stored_type(Precision precision) {
  switch (precision) {
    case Precision::fp32: return DataType::f32;
    case Precision::fp16: return DataType::f16;
    case Precision::bf16: return DataType::bf16;
    default: fail(Code::invalid_argument, "weights are stored as fp32, fp16 or bf16, not as ", name_of(precision));
  }
}

}  // namespace alx
