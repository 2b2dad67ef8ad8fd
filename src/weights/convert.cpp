// Stored element types and f32.
#include <bit>

#include "core/error.h"
#include "core/half.h"
#include "weights/bytes.h"
#include "weights/weights.h"

namespace alx {
namespace {

// One loop for each type: `decode` turns the stored unsigned word into a float.
template <class Word, class Decode>
void decode_all(const std::byte* from, float* out, size_t n, float scale, Decode decode) {
  if (scale == 1) {
    for (size_t i = 0; i < n; ++i) out[i] = decode(load_le<Word>(from + i * sizeof(Word)));
  } else {
    for (size_t i = 0; i < n; ++i) out[i] = decode(load_le<Word>(from + i * sizeof(Word))) * scale;
  }
}

}  // namespace

void to_float(DataType type, const std::byte* from, float* out, size_t n, float scale) {
  switch (type) {
    case DataType::f32:
      return decode_all<uint32_t>(from, out, n, scale,
                                  [](uint32_t w) { return std::bit_cast<float>(w); });
    case DataType::f16: return decode_all<uint16_t>(from, out, n, scale, half_to_float);
    case DataType::bf16:
      return decode_all<uint16_t>(from, out, n, scale,
                                  [](uint16_t w) { return bfloat_to_float(w); });
    case DataType::i8:
      return decode_all<uint8_t>(from, out, n, scale, [](uint8_t w) {
        return static_cast<float>(std::bit_cast<int8_t>(w));
      });
    case DataType::i32: break;
  }
  fail(Code::invalid_argument, "elements of type ", name_of(type),
       " are not weights; F32, F16, BF16 and I8 are");
}

void from_float(DataType type, const float* from, std::byte* out, size_t n) {
  switch (type) {
    case DataType::f32:
      for (size_t i = 0; i < n; ++i) store_le(std::bit_cast<uint32_t>(from[i]), out + i * 4);
      return;
    case DataType::f16:
      for (size_t i = 0; i < n; ++i) store_le(float_to_half(from[i]), out + i * 2);
      return;
    case DataType::bf16:
      for (size_t i = 0; i < n; ++i) store_le(float_to_bfloat(from[i]), out + i * 2);
      return;
    case DataType::i8:
    case DataType::i32: break;
  }
  fail(Code::invalid_argument, "floats cannot be stored as ", name_of(type),
       " without a scale; F32, F16 and BF16 can");
}

}  // namespace alx
