#include "backends/reference/quantized.h"

#include <algorithm>
#include <cmath>

namespace alx::reference {
namespace {

float* scales_of(const TensorDesc& desc, void* tensor) {
  return reinterpret_cast<float*>(static_cast<char*>(tensor) + desc.scales_offset());
}

}  // namespace

void quantize_rows(std::span<const float> rows, int64_t first_row, const TensorDesc& desc,
                   void* tensor) {
  const auto row_size = static_cast<size_t>(element_count(desc.shape) / desc.shape[0]);
  for (size_t start = 0; start < rows.size(); start += row_size) {
    const std::span<const float> row = rows.subspan(start, row_size);
    const size_t at = static_cast<size_t>(first_row) + start / row_size;
    float largest = 0;
    for (float value : row) largest = std::max(largest, std::fabs(value));
    const float scale = largest > 0 ? largest / 127 : 1;
    auto* to = static_cast<int8_t*>(tensor) + at * row_size;
    for (size_t i = 0; i < row_size; ++i)
      to[i] = static_cast<int8_t>(std::clamp(std::nearbyint(row[i] / scale), -127.f, 127.f));
    scales_of(desc, tensor)[at] = scale;
  }
}

void dequantize(const TensorDesc& desc, const void* tensor, float* values) {
  const int64_t rows = desc.shape[0], row_size = element_count(desc.shape) / rows;
  const auto* from = static_cast<const int8_t*>(tensor);
  const float* scales = scales_of(desc, const_cast<void*>(tensor));
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t i = row * row_size; i < (row + 1) * row_size; ++i)
      values[i] = static_cast<float>(from[i]) * scales[row];
}

}  // namespace alx::reference
