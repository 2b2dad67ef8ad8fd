#include "backends/cudnn/blas.h"

#include "backends/cudnn/kernel.h"

namespace alx::cudnn {
namespace {

cudaDataType_t blas_type(DataType type) {
  return type == DataType::f16 ? CUDA_R_16F : type == DataType::bf16 ? CUDA_R_16BF : CUDA_R_32F;
}

}  // namespace

void multiply(Device& device, const MatrixShape& s, const Matrix& a, const Matrix& b, const Matrix& c,
              cublasComputeType_t compute) {
  device.call<&Api::cublasGemmEx>(device.cublas(), s.op_a, s.op_b, s.m, s.n, s.k, &one, a.elements, blas_type(a.type),
                                  a.leading, b.elements, blas_type(b.type), b.leading, &zero,
                                  const_cast<void*>(c.elements), blas_type(c.type), c.leading, compute,
                                  CUBLAS_GEMM_DEFAULT);
}

size_t channel_sum_bytes(const Shape& shape) {
  return shape.size() == 2 ? 0 : static_cast<size_t>(shape[0] * shape[1]) * sizeof(float);
}

// As products with ones: first over the positions of each plane, then over the images.
void sum_channels(Device& device, DataType type, const void* values, const Shape& shape, void* scratch, void* sums) {
  const auto images = static_cast<int>(shape[0]), channels = static_cast<int>(shape[1]);
  Matrix by_channel{values, type, channels};  // (channels x images)
  if (shape.size() > 2) {
    const auto plane = static_cast<int>(shape[2] * shape[3]);
    by_channel = {scratch, DataType::f32, channels};
    multiply(device, {CUBLAS_OP_T, CUBLAS_OP_N, images * channels, 1, plane}, {values, type, plane},
             {device.ones(type, static_cast<size_t>(plane)), type, plane}, {scratch, DataType::f32, images * channels});
  }
  multiply(device, {CUBLAS_OP_N, CUBLAS_OP_N, channels, 1, images}, by_channel,
           {device.ones(by_channel.type, static_cast<size_t>(images)), by_channel.type, images},
           {sums, DataType::f32, channels});
}

}  // namespace alx::cudnn
