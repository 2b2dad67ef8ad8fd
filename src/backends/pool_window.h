// Where the windows of pools lie. Also compiled for GPUs.
#pragma once
#include <cstdint>

namespace alx {

// A window along one axis, cut to the input; `counted` is its length inside input and padding.
struct PoolSpan {
  int64_t first, last, counted;  // last is one beyond
  constexpr int64_t length() const { return last - first; }
};

constexpr int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

constexpr PoolSpan pool_span(int64_t at, int64_t kernel, int64_t stride, int64_t before,
                             int64_t after, int64_t in) {
  const int64_t start = at * stride - before, end = start + kernel;
  return {start > 0 ? start : 0, smaller(end, in), smaller(end, in + after) - start};
}

constexpr PoolSpan adaptive_span(int64_t at, int64_t in, int64_t out) {
  const int64_t first = at * in / out, last = ((at + 1) * in + out - 1) / out;
  return {first, last, last - first};
}

}  // namespace alx
