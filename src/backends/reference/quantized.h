// Dense I8 tensors with a scale for each row.
#pragma once
#include <span>

#include "graph/tensor.h"

namespace alx::reference {

// Whole rows, from `first_row` on: the largest of each becomes 127 or -127.
void quantize_rows(std::span<const float> rows, int64_t first_row, const TensorDesc& desc,
                   void* tensor);
void dequantize(const TensorDesc& desc, const void* tensor, float* values);

}  // namespace alx::reference
