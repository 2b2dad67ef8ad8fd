// Elements of any floating type, read and written as f32, on a GPU and on the host.
#pragma once
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

ALX_BOTH inline float load(const void* values, DataType type, size_t i) {
  if (type == DataType::f32) return static_cast<const float*>(values)[i];
  const uint16_t bits = static_cast<const uint16_t*>(values)[i];
  if (type == DataType::bf16) return bfloat_to_float(bits);
#ifdef __CUDA_ARCH__
  return __half2float(__ushort_as_half(bits));
#else
  return half_to_float(bits);
#endif
}

ALX_BOTH inline void store(void* values, DataType type, size_t i, float value) {
  if (type == DataType::f32) {
    static_cast<float*>(values)[i] = value;
    return;
  }
  uint16_t& bits = static_cast<uint16_t*>(values)[i];
  if (type == DataType::bf16)
    bits = float_to_bfloat(value);
  else
#ifdef __CUDA_ARCH__
    bits = __half_as_ushort(__float2half_rn(value));
#else
    bits = float_to_half(value);
#endif
}

}  // namespace alx::cudnn
