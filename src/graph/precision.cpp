#include "graph/precision.h"

#include "core/error.h"
#include "core/text.h"

namespace alx {
namespace {

constexpr Precision all[] = {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16,
                             Precision::int8};

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
       list_of({std::begin(all), std::end(all)}, "and"));
}

std::vector<std::string> names_of(const std::vector<Precision>& precisions) {
  std::vector<std::string> names;
  for (const Precision precision : precisions) names.push_back(name_of(precision));
  return names;
}

std::string list_of(const std::vector<Precision>& precisions, const char* last) {
  std::vector<std::string> names = names_of(precisions);
  if (names.size() < 2) return joined(names);
  const std::string end = names.back();
  names.pop_back();
  return cat(joined(names), " ", last, " ", end);
}

DataType stored_type(Precision precision) {
  switch (precision) {
    case Precision::fp32: return DataType::f32;
    case Precision::fp16: return DataType::f16;
    case Precision::bf16: return DataType::bf16;
    default:
      fail(Code::invalid_argument, "weights are stored as fp32, fp16 or bf16, not as ",
           name_of(precision));
  }
}

}  // namespace alx
