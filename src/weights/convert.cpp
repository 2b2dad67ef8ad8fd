// Stored element types and f32. Integer arithmetic only, so that a host program's flush-to-zero mode changes nothing.
#include <bit>
#include <cstring>

#include "core/error.h"
#include "weights/bytes.h"
#include "weights/weights.h"

namespace alx {
namespace {

float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t exponent = (half >> 10) & 0x1fu, mantissa = half & 0x3ffu;
  if (exponent == 0x1f) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
  if (exponent != 0) return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (mantissa << 13));
  if (mantissa == 0) return std::bit_cast<float>(sign);
  const auto shift = static_cast<uint32_t>(std::countl_zero(mantissa)) - 21;  // brings the leading one to bit 10
  return std::bit_cast<float>(sign | ((113 - shift) << 23) | (((mantissa << shift) & 0x3ffu) << 13));
}

uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000u, magnitude = bits & 0x7fffffffu;
  uint32_t half = 0;
  if (magnitude > 0x7f800000u) {  // NaN stays NaN: quiet, upper payload kept
    half = 0x7e00u | ((magnitude >> 13) & 0x1ffu);
  } else if (magnitude >= 0x477ff000u) {  // 65520 and above round to infinity
    half = 0x7c00u;
  } else if (magnitude >= 0x38800000u) {  // normal in f16
    half = (magnitude + 0xfffu + ((magnitude >> 13) & 1u) - 0x38000000u) >> 13;
  } else if (magnitude > 0x33000000u) {  // subnormal: units of 2^-24; at most half of one unit is zero
    const uint32_t mantissa = (magnitude & 0x7fffffu) | 0x800000u, shift = 126 - (magnitude >> 23);
    const uint32_t rest = mantissa & ((1u << shift) - 1), middle = 1u << (shift - 1);
    half = mantissa >> shift;
    if (rest > middle || (rest == middle && (half & 1u))) ++half;
  }
  return static_cast<uint16_t>(sign | half);
}

uint16_t float_to_bfloat(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((bits >> 16) | 0x40u);
  return static_cast<uint16_t>((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16);
}

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
      return decode_all<uint32_t>(from, out, n, scale, [](uint32_t w) { return std::bit_cast<float>(w); });
    case DataType::f16: return decode_all<uint16_t>(from, out, n, scale, half_to_float);
    case DataType::bf16:
      return decode_all<uint16_t>(from, out, n, scale,
                                  [](uint16_t w) { return std::bit_cast<float>(static_cast<uint32_t>(w) << 16); });
    case DataType::i8:
      return decode_all<uint8_t>(from, out, n, scale,
                                 [](uint8_t w) { return static_cast<float>(std::bit_cast<int8_t>(w)); });
    case DataType::i32: break;
  }
  fail(Code::invalid_argument, "elements of type ", name_of(type), " are not weights; F32, F16, BF16 and I8 are");
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
  fail(Code::invalid_argument, "floats cannot be stored as ", name_of(type), " without a scale; F32, F16 and BF16 can");
}

}  // namespace alx
