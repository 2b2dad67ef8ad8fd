// Elements of any floating type, read and written as f32, on a GPU and on the host.
#pragma once
#include <bit>
#include <cstddef>
#include <cstdint>

#include "core/half.h"
#include "graph/tensor.h"
#ifdef __CUDACC__
#include <cuda_fp16.h>
#define ALX_BOTH __host__ __device__
#else
#define ALX_BOTH
#endif

namespace alx::cudnn {

ALX_BOTH inline float from_half(uint16_t bits) {
#ifdef __CUDA_ARCH__
  return __half2float(__ushort_as_half(bits));
#else
  return half_to_float(bits);
#endif
}

// To nearest, ties to even.
ALX_BOTH inline uint16_t to_half(float value) {
#ifdef __CUDA_ARCH__
  return __half_as_ushort(__float2half_rn(value));
#else
  return float_to_half(value);
#endif
}

ALX_BOTH inline float load(const void* values, DataType type, size_t i) {
  switch (type) {
    case DataType::f16: return from_half(static_cast<const uint16_t*>(values)[i]);
    case DataType::bf16: return std::bit_cast<float>(uint32_t{static_cast<const uint16_t*>(values)[i]} << 16);
    default: return static_cast<const float*>(values)[i];
  }
}

ALX_BOTH inline void store(void* values, DataType type, size_t i, float value) {
  if (type == DataType::f16) {
    static_cast<uint16_t*>(values)[i] = to_half(value);
  } else if (type == DataType::bf16) {
    const auto bits = std::bit_cast<uint32_t>(value);
    const uint32_t rounded = value != value ? bits | 0x10000 : bits + 0x7fff + (bits >> 16 & 1);
    static_cast<uint16_t*>(values)[i] = static_cast<uint16_t>(rounded >> 16);
  } else {
    static_cast<float*>(values)[i] = value;
  }
}

ALX_BOTH constexpr size_t bytes_of(DataType type) { return type == DataType::f32 || type == DataType::i32 ? 4 : 2; }

}  // namespace alx::cudnn
