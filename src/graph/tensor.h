// What a tensor is, apart from where it lies.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace alx {

// (N, C, H, W) or (N, C); weights (out, in per group, kh, kw) or (out, in)
using Shape = std::vector<int64_t>;

int64_t element_count(const Shape& shape);  // throws where the product overflows int64
std::string to_string(const Shape& shape);  // "1 x 3 x 227 x 227"

// What a tensor holds. i32: class labels.
enum class DataType : uint8_t { f32, f16, bf16, i8, i32 };
constexpr size_t size_of(DataType type) {  // in bytes; also compiled for GPUs
  return type == DataType::i8 ? 1 : type == DataType::f16 || type == DataType::bf16 ? 2 : 4;
}
const char* name_of(DataType type);  // safetensors' names: "F32", "F16", "BF16", "I8", "I32"

// A backend's own way to lay elements out. Only the backend that made it can read it.
class Layout {
 public:
  virtual ~Layout() = default;
  virtual bool equals(const Layout& other) const = 0;
  virtual size_t bytes() const = 0;
  virtual std::string name() const = 0;  // for people: "nChw16c"
};

struct TensorDesc {
  Shape shape;
  DataType type = DataType::f32;
  std::shared_ptr<const Layout> layout;  // null: dense, the last dimension runs fastest (NCHW)
  // Behind dense elements, at the next multiple of 4 bytes: an f32 for each row (index of the first
  // dimension), by which its elements are multiplied.
  bool row_scales = false;

  size_t bytes() const;
  size_t scales_offset() const;                     // in bytes
  bool same_memory(const TensorDesc& other) const;  // equal shape, type and layout
};

}  // namespace alx
