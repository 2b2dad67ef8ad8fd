// What a user asks for, and what a node then computes with.
#pragma once
#include <string>
#include <vector>

#include "graph/tensor.h"

namespace alx {

// tf32: f32 in memory, whose products are rounded to 10 bits of fraction. int8: weights, with a
// factor for each row.
enum class Precision : uint8_t { fp32, tf32, fp16, bf16, int8 };

const char* name_of(Precision precision);            // "fp32", ...
Precision precision_named(const std::string& name);  // throws invalid_argument
std::vector<std::string> names_of(const std::vector<Precision>& precisions);
// "fp32, bf16 or fp16"
std::string list_of(const std::vector<Precision>& precisions, const char* last);
// of weights in files: f32, f16 or bf16; throws invalid_argument
DataType stored_type(Precision precision);

// The types of one node. Softmax, losses and other small ops may compute in f32 whatever is asked
// for.
struct NodeTypes {
  DataType activations = DataType::f32;  // of what flows between nodes
  DataType weights = DataType::f32;      // as they are kept; gradients have the same type
  // products of f32 may be rounded to it; sums are f32 or better in any case
  bool tf32 = false;
  bool operator==(const NodeTypes&) const = default;
};

}  // namespace alx
