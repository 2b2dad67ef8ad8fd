#include "backends/vectors/winograd.h"

#include "backends/vectors/winograd_matrices.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/vectors/winograd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
//
#include "backends/vectors/each-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alx::vectors::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

template <int M, int R>
constexpr winograd::Matrices<M, R> matrices;

template <int M, int R>
struct Input {
  static constexpr int rows = M + R - 1, columns = rows;
  static constexpr float at(int i, int j) { return matrices<M, R>.input[i][j]; }
};
template <int M, int R>
struct Weight {
  static constexpr int rows = M + R - 1, columns = R;
  static constexpr float at(int i, int j) { return matrices<M, R>.weight[i][j]; }
};
template <int M, int R>
struct Output {
  static constexpr int rows = M, columns = M + R - 1;
  static constexpr float at(int i, int j) { return matrices<M, R>.output[i][j]; }
};
template <class T>
struct Transposed {
  static constexpr int rows = T::columns, columns = T::rows;
  static constexpr float at(int i, int j) { return T::at(j, i); }
};

// Unrolled by recursion, so that every coefficient is a constant and zeros vanish.
template <class T, int Row, int Column>
HWY_INLINE V row_times(const V* x, int stride) {
  constexpr float c = T::at(Row, Column);
  const D d;
  if constexpr (Column == T::columns - 1) {
    if constexpr (c == 0) return hn::Zero(d);
    if constexpr (c == 1) return x[Column * stride];
    return hn::Mul(x[Column * stride], hn::Set(d, c));
  } else {
    const V rest = row_times<T, Row, Column + 1>(x, stride);
    if constexpr (c == 0) return rest;
    if constexpr (c == 1) return hn::Add(rest, x[Column * stride]);
    if constexpr (c == -1) return hn::Sub(rest, x[Column * stride]);
    return hn::MulAdd(x[Column * stride], hn::Set(d, c), rest);
  }
}

template <class T, int Row = 0>
HWY_INLINE void times(const V* x, int stride, V* y, int y_stride) {
  if constexpr (Row < T::rows) {
    y[Row * y_stride] = row_times<T, Row, 0>(x, stride);
    times<T, Row + 1>(x, stride, y, y_stride);
  }
}

// y = T x T^t
template <class T>
HWY_INLINE void two_sided(const V* x, V* y) {
  V half[T::rows * T::columns];
  for (int j = 0; j < T::columns; ++j) times<T>(x + j, T::columns, half + j, T::columns);
  for (int i = 0; i < T::rows; ++i) times<T>(half + i * T::columns, 1, y + i * T::rows, 1);
}

template <class T>
void to_points(const float* window, const Window& w, float* points, int64_t stride,
               int64_t channels) {
  const D d;
  constexpr int n = T::columns, made = T::rows;
  constexpr int64_t step = hn::MaxLanes(D());
  V x[n * n], y[made * made];
  for (int64_t c = 0; c < channels; c += step) {
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j) {
        if (i >= w.top && i < w.bottom && j >= w.left && j < w.right)
          x[i * n + j] = hn::LoadU(d, window + i * w.row + j * w.pixel + c);
        else
          x[i * n + j] = hn::Zero(d);
      }
    two_sided<T>(x, y);
    for (int i = 0; i < made * made; ++i) hn::StoreU(y[i], d, points + i * stride + c);
  }
}

template <class T>
void from_points(const float* points, int64_t stride, float* window, const Window& w,
                 int64_t channels, const float* bias, bool relu) {
  const D d;
  constexpr int n = T::columns, made = T::rows;
  constexpr int64_t step = hn::MaxLanes(D());
  V x[n * n], y[made * made];
  for (int64_t c = 0; c < channels; c += step) {
    for (int i = 0; i < n * n; ++i) x[i] = hn::LoadU(d, points + i * stride + c);
    two_sided<T>(x, y);
    const V shift = bias ? hn::LoadU(d, bias + c) : hn::Zero(d);
    for (int i = w.top; i < w.bottom; ++i)
      for (int j = w.left; j < w.right; ++j) {
        V value = hn::Add(y[i * made + j], shift);
        if (relu) value = rectified(d, value);
        hn::StoreU(value, d, window + i * w.row + j * w.pixel + c);
      }
  }
}

template <int M, int R>
constexpr Tiles tiles{M,
                      R,
                      M + R - 1,
                      to_points<Input<M, R>>,
                      to_points<Weight<M, R>>,
                      to_points<Transposed<Output<M, R>>>,
                      from_points<Output<M, R>>,
                      from_points<Transposed<Weight<M, R>>>};

const Tiles* winograd_tiles(int outputs, int kernel) {
  if (kernel == 5) return outputs == 4 ? &tiles<4, 5> : nullptr;
  if (kernel != 3) return nullptr;
  return outputs == 4 ? &tiles<4, 3> : outputs == 5 ? &tiles<5, 3> : nullptr;
}

}  // namespace alx::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/vectors/dispatch.h"
namespace alx::vectors {

const Tiles* winograd_tiles(Target target, int outputs, int kernel) {
  return ALX_ON(target, winograd_tiles)(outputs, kernel);
}

}  // namespace alx::vectors
#endif
