#include <cmath>

#include "backends/pool_window.h"
#include "backends/reference/kernel.h"

namespace alx::reference {
namespace {

struct Window {
  int64_t top, left, bottom, right;  // the part inside the input; bottom and right are one beyond
  double divisor;                    // of the average
};

template <class Pool>
Window pool_window(const Pool& pool, bool count_padding, const Shape& in, int64_t h, int64_t w) {
  const PoolSpan y = pool_span(h, pool.kernel, pool.stride, pool.pad.top, pool.pad.bottom, in[2]);
  const PoolSpan x = pool_span(w, pool.kernel, pool.stride, pool.pad.left, pool.pad.right, in[3]);
  const int64_t count = count_padding ? y.counted * x.counted : y.length() * x.length();
  return {y.first, x.first, y.last, x.last, static_cast<double>(count)};
}

Window window(const MaxPool& op, const Shape& in, const Shape&, int64_t h, int64_t w) {
  return pool_window(op, false, in, h, w);
}

Window window(const AvgPool& op, const Shape& in, const Shape&, int64_t h, int64_t w) {
  return pool_window(op, op.count_padding, in, h, w);
}

Window window(const AdaptiveAvgPool&, const Shape& in, const Shape& out, int64_t h, int64_t w) {
  const PoolSpan y = adaptive_span(h, in[2], out[2]), x = adaptive_span(w, in[3], out[3]);
  return {y.first, x.first, y.last, x.last, static_cast<double>(y.length() * x.length())};
}

template <class Pool>
class PoolKernel : public ReferenceKernel {
 public:
  PoolKernel(const Pool& op, const CompileRequest& request)
      : ReferenceKernel(op, request),
        op_(op),
        width_(in_shape()[3]),
        plane_(in_shape()[2] * width_) {
    if (!training_) return;
    spec_.backward_workspace = static_cast<size_t>(plane_) * sizeof(double);
    if (is_max) spec_.state = static_cast<size_t>(element_count(out_shape())) * sizeof(int64_t);
  }

  void forward() override {
    auto* winners = static_cast<int64_t*>(memory_.state);
    for (int64_t plane = 0; plane < planes(); ++plane) {
      const float* x = input() + plane * plane_;
      each_window(plane, [&](int64_t index, const Window& window) {
        if constexpr (is_max) {
          const int64_t best = largest(x, window);
          output()[index] = x[best];
          if (training_) winners[index] = best;
        } else {
          output()[index] = static_cast<float>(sum(x, window) / window.divisor);
        }
      });
    }
  }

  void backward() override {
    if (!wants_grad()) return;
    const auto* winners = static_cast<const int64_t*>(memory_.state);
    auto* sums = static_cast<double*>(memory_.backward_workspace);
    for (int64_t plane = 0; plane < planes(); ++plane) {
      std::fill_n(sums, plane_, 0.0);
      each_window(plane, [&](int64_t index, const Window& window) {
        if constexpr (is_max) {
          sums[winners[index]] += output_grad()[index];
        } else {
          const double share = output_grad()[index] / window.divisor;
          for (int64_t h = window.top; h < window.bottom; ++h)
            for (int64_t w = window.left; w < window.right; ++w) sums[h * width_ + w] += share;
        }
      });
      float* dx = input_grad() + plane * plane_;
      for (int64_t i = 0; i < plane_; ++i) dx[i] = static_cast<float>(sums[i]);
    }
  }

 private:
  static constexpr bool is_max = std::is_same_v<Pool, MaxPool>;

  int64_t planes() const { return in_shape()[0] * in_shape()[1]; }

  // visit(index of the output, its window)
  template <class Visit>
  void each_window(int64_t plane, Visit visit) const {
    const Shape& out = out_shape();
    int64_t index = plane * out[2] * out[3];
    for (int64_t h = 0; h < out[2]; ++h)
      for (int64_t w = 0; w < out[3]; ++w) visit(index++, window(op_, in_shape(), out, h, w));
  }

  // The first of equals; not-a-number wins.
  int64_t largest(const float* x, const Window& window) const {
    int64_t best = window.top * width_ + window.left;
    for (int64_t h = window.top; h < window.bottom; ++h)
      for (int64_t i = h * width_ + window.left; i < h * width_ + window.right; ++i)
        if (x[i] > x[best] || std::isnan(x[i])) best = i;
    return best;
  }

  double sum(const float* x, const Window& window) const {
    double total = 0;
    for (int64_t h = window.top; h < window.bottom; ++h)
      for (int64_t i = h * width_ + window.left; i < h * width_ + window.right; ++i) total += x[i];
    return total;
  }

  Pool op_;
  int64_t width_, plane_;
};

}  // namespace

std::unique_ptr<Kernel> make(const MaxPool& op, const CompileRequest& request) {
  return std::make_unique<PoolKernel<MaxPool>>(op, request);
}

std::unique_ptr<Kernel> make(const AvgPool& op, const CompileRequest& request) {
  return std::make_unique<PoolKernel<AvgPool>>(op, request);
}

std::unique_ptr<Kernel> make(const AdaptiveAvgPool& op, const CompileRequest& request) {
  return std::make_unique<PoolKernel<AdaptiveAvgPool>>(op, request);
}

}  // namespace alx::reference
