#include "graph/tensor.h"

#include "core/error.h"
#include "core/rounding.h"

namespace alx {

int64_t element_count(const Shape& shape) {
  int64_t count = 1;
  for (int64_t d : shape)
    if (d < 0 || __builtin_mul_overflow(count, d, &count))  // no text is made where all is well
      fail(Code::invalid_argument, "shape ", to_string(shape), " is too large or negative");
  return count;
}

std::string to_string(const Shape& shape) {
  std::string text;
  for (int64_t d : shape) text += (text.empty() ? "" : " x ") + std::to_string(d);
  return text.empty() ? "scalar" : text;
}

const char* name_of(DataType type) {
  switch (type) {
    case DataType::f32: return "F32";
    case DataType::f16: return "F16";
    case DataType::bf16: return "BF16";
    case DataType::i8: return "I8";
    case DataType::i32: return "I32";
  }
  return "?";
}

size_t TensorDesc::bytes() const {
  if (layout) return layout->bytes();
  if (row_scales) return scales_offset() + static_cast<size_t>(shape[0]) * sizeof(float);
  return static_cast<size_t>(element_count(shape)) * size_of(type);
}

size_t TensorDesc::scales_offset() const {
  const size_t elements = static_cast<size_t>(element_count(shape)) * size_of(type);
  return round_up(elements, sizeof(float));
}

bool TensorDesc::same_memory(const TensorDesc& other) const {
  if (shape != other.shape || type != other.type || row_scales != other.row_scales) return false;
  if (!layout || !other.layout) return !layout && !other.layout;
  return layout->equals(*other.layout);
}

}  // namespace alx
