#include <cmath>

#include "backends/reference/kernel.h"

namespace alx::reference {
namespace {

// With s = k + a * sum of x^2 over a window: y = x s^-b. An input j also stands in the windows of
// its neighbours i, so dL/dx_j = dy_j s_j^-b - 2 a b x_j * sum over those i of dy_i x_i s_i^(-b-1).
class LrnKernel : public ReferenceKernel {
 public:
  LrnKernel(const Lrn& op, const CompileRequest& request)
      : ReferenceKernel(op, request),
        op_(op),
        alpha_(op.effective_alpha()),
        channels_(in_shape()[1]),
        height_(in_shape()[2]),
        width_(in_shape()[3]),
        count_(channels_ * height_ * width_) {
    spec_.in_place = spec_.grad_in_place = true;
    spec_.forward_workspace = 2 * static_cast<size_t>(count_) * sizeof(double);
    if (!training_) return;
    spec_.backward_workspace = 3 * static_cast<size_t>(count_) * sizeof(double);
    spec_.backward_reads_inputs = true;
  }

  void forward() override {
    auto *squares = static_cast<double*>(memory_.forward_workspace), *sums = squares + count_;
    for (int64_t n = 0; n < in_shape()[0]; ++n) {
      const float* x = input() + n * count_;
      float* y = output() + n * count_;
      sum_of_squares(x, squares, sums);
      for (int64_t i = 0; i < count_; ++i)
        y[i] = static_cast<float>(
            x[i] * std::pow(op_.k + alpha_ * sums[i], -static_cast<double>(op_.beta)));
    }
  }

  void backward() override {
    if (!wants_grad()) return;
    auto *terms = static_cast<double*>(memory_.backward_workspace), *factors = terms + count_;
    double* sums = factors + count_;
    const double beta = op_.beta;
    for (int64_t n = 0; n < in_shape()[0]; ++n) {
      const float *x = input() + n * count_, *dy = output_grad() + n * count_;
      float* dx = input_grad() + n * count_;
      sum_of_squares(x, terms, sums);
      for (int64_t i = 0; i < count_; ++i) {
        const double s = op_.k + alpha_ * sums[i];
        factors[i] = std::pow(s, -beta);
        terms[i] = factors[i] / s * dy[i] * x[i];
      }
      window_sums(terms, op_.size - 1 - op_.size / 2, sums);
      for (int64_t i = 0; i < count_; ++i)
        dx[i] = static_cast<float>(dy[i] * factors[i] - 2 * alpha_ * beta * x[i] * sums[i]);
    }
  }

 private:
  void sum_of_squares(const float* x, double* squares, double* sums) const {
    for (int64_t i = 0; i < count_; ++i) squares[i] = static_cast<double>(x[i]) * x[i];
    window_sums(squares, op_.size / 2, sums);
  }

  // sums[i]: over the window that starts `before` places before i, in one image.
  void window_sums(const double* values, int64_t before, double* sums) const {
    const int64_t plane = height_ * width_;
    std::fill_n(sums, count_, 0.0);
    for (int64_t c = 0; c < channels_; ++c) {
      double* out = sums + c * plane;
      if (op_.region == Lrn::Region::within) {
        plane_sums(values + c * plane, before, out);
        continue;
      }
      for (int64_t j = std::max<int64_t>(c - before, 0);
           j < std::min(c - before + op_.size, channels_); ++j)
        for (int64_t i = 0; i < plane; ++i) out[i] += values[j * plane + i];
    }
  }

  void plane_sums(const double* values, int64_t before, double* sums) const {
    for (int64_t h = 0; h < height_; ++h)
      for (int64_t y = std::max<int64_t>(h - before, 0);
           y < std::min(h - before + op_.size, height_); ++y)
        for (int64_t w = 0; w < width_; ++w)
          for (int64_t x = std::max<int64_t>(w - before, 0);
               x < std::min(w - before + op_.size, width_); ++x)
            sums[h * width_ + w] += values[y * width_ + x];
  }

  Lrn op_;
  double alpha_;
  int64_t channels_, height_, width_, count_;  // count: elements of one image
};

}  // namespace

std::unique_ptr<Kernel> make(const Lrn& op, const CompileRequest& request) {
  return std::make_unique<LrnKernel>(op, request);
}

}  // namespace alx::reference
