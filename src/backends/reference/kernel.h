// What the kernels of this backend share. make() is overloaded for every op: an op without one does
// not compile.
#pragma once
#include <algorithm>
#include <memory>

#include "backends/backend.h"

namespace alx::reference {

#define ALX_MAKE(Name) std::unique_ptr<Kernel> make(const Name& op, const CompileRequest& request);
ALX_OPS(ALX_MAKE)
#undef ALX_MAKE

std::unique_ptr<Kernel> make_reorder(const TensorDesc& from, const TensorDesc& to);
void update(const Update& u, const StepContext& step);

// Fills the tensors of the spec: all dense; gradients in training, for the inputs that were asked
// for.
class ReferenceKernel : public Kernel {
 public:
  ReferenceKernel(const Op& op, const CompileRequest& request);
  void bind(const Binding& binding) override { memory_ = binding; }

 protected:
  const float* input(size_t i = 0) const { return static_cast<const float*>(memory_.inputs[i]); }
  float* output(size_t i = 0) const { return static_cast<float*>(memory_.outputs[i]); }
  const float* output_grad(size_t i = 0) const {
    return static_cast<const float*>(memory_.output_grads[i]);
  }
  const float* param(size_t i) const { return static_cast<const float*>(memory_.params[i]); }
  // The weight in f32, made in `scratch` where it is kept otherwise; that takes weight_scratch()
  // bytes.
  const float* weight(void* scratch) const;
  size_t weight_scratch() const {
    return spec_.params[0].type == DataType::f32
               ? 0
               : static_cast<size_t>(element_count(spec_.params[0].shape)) * sizeof(float);
  }
  float* param_grad(size_t i) const { return static_cast<float*>(memory_.param_grads[i]); }
  bool wants_grad(size_t i = 0) const {
    return i < spec_.input_grads.size() && !spec_.input_grads[i].shape.empty();
  }
  float* input_grad(size_t i = 0) const {
    return wants_grad(i) ? static_cast<float*>(memory_.input_grads[i]) : nullptr;
  }
  const Shape& in_shape(size_t i = 0) const { return spec_.inputs[i].shape; }
  const Shape& out_shape() const { return spec_.outputs[0].shape; }

  bool training_;
  const StepContext* step_;
  Binding memory_;
};

// y = f(x), and dL/dx = dL/dy f'(x) with f' written in y.
double activate(Activation activation, double x);
double activation_derivative(Activation activation, double y);

// A sum over count products, in double: sum of a[i] * b[i].
double dot(const float* a, const float* b, int64_t count);

// c(i, j) = sum over k of a[i * a_row + k * a_column] * b[k * columns + j], for rows x columns
// results; each is handed to store(i, j, sum). Four rows at a time, so that an element of b is
// loaded once for all of them.
template <class Store>
void multiply(int64_t rows, int64_t columns, int64_t depth, const float* a, int64_t a_row,
              int64_t a_column, const float* b, Store store) {
  constexpr int64_t tile_rows = 4, tile_columns = 256;
  double sums[tile_rows][tile_columns];
  for (int64_t i = 0; i < rows; i += tile_rows) {
    const int64_t height = std::min(rows - i, tile_rows);
    for (int64_t j = 0; j < columns; j += tile_columns) {
      const int64_t width = std::min(columns - j, tile_columns);
      for (auto& row_sums : sums) std::fill_n(row_sums, width, 0.0);
      for (int64_t k = 0; k < depth; ++k) {
        const float* row = b + k * columns + j;
        double factor[tile_rows] = {};
        for (int64_t r = 0; r < height; ++r) factor[r] = a[(i + r) * a_row + k * a_column];
        for (int64_t c = 0; c < width; ++c) {
          const double value = row[c];
          for (int64_t r = 0; r < tile_rows; ++r) sums[r][c] += factor[r] * value;
        }
      }
      for (int64_t r = 0; r < height; ++r)
        for (int64_t c = 0; c < width; ++c) store(i + r, j + c, sums[r][c]);
    }
  }
}

}  // namespace alx::reference
