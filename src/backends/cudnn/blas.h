// Products of matrices by cuBLAS, and what is made of them.
#pragma once
#include "backends/cudnn/device.h"

namespace alx::cudnn {

// Column-major, as cuBLAS counts: c (m x n) = op_a(a) op_b(b), of depth k. Sums are in f32.
struct MatrixShape {
  cublasOperation_t op_a, op_b;
  int m, n, k;
};
struct Matrix {
  const void* elements;
  DataType type;
  int leading;  // elements from one column to the next
};
void multiply(Device& device, const MatrixShape& shape, const Matrix& a, const Matrix& b, const Matrix& c,
              cublasComputeType_t compute = CUBLAS_COMPUTE_32F);

// The sum over images and positions for each channel of (N, C, H, W) or (N, C), in f32: a bias's gradient. cuDNN's own
// has no bf16, and sums fp16 in fp16. `scratch`: channel_sum_bytes(), 0 for (N, C). The device's ones() must be there.
void sum_channels(Device& device, DataType type, const void* values, const Shape& shape, void* scratch, void* sums);
size_t channel_sum_bytes(const Shape& shape);

}  // namespace alx::cudnn
