#include "backends/vectors/product.h"

#include <algorithm>
#include <utility>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/vectors/product.cpp"
#include <hwy/foreach_target.h>
//
#include <hwy/cache_control.h>
#include <hwy/highway.h>
//
#include "backends/vectors/each-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alx::vectors::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int64_t width = hn::MaxLanes(D());
// As many rows of two vectors as leave registers for a row of b and an element of a: of 32, or 16.
constexpr bool many_registers = HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM;
constexpr int most_rows = many_registers ? 12 : 6;

// What sums start with.
template <int Rows, int Vectors>
HWY_INLINE void start(const Product& p, const float* c, const float* bias,
                      V (&sum)[Rows][Vectors]) {
  const D d;
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Vectors; ++j)
      sum[i][j] = p.add  ? hn::LoadU(d, c + i * p.c_row + j * width)
                  : bias ? hn::LoadU(d, bias + j * width)
                         : hn::Zero(d);
}

template <int Rows, int Vectors>
HWY_INLINE void finish(const Product& p, const V (&sum)[Rows][Vectors], float* c) {
  const D d;
  for (int i = 0; i < Rows; ++i)
    for (int j = 0; j < Vectors; ++j) {
      const V value = p.relu ? rectified(d, sum[i][j]) : sum[i][j];
      float* to = c + i * p.c_row + j * width;
      p.past_caches ? hn::Stream(value, d, to) : hn::StoreU(value, d, to);
    }
}

// Rows x Vectors elements of c. Panels are two vectors wide. `next`: a panel to bring near
// meanwhile.
template <int Rows, int Vectors>
HWY_NOINLINE void block(const Product& p, const float* a, const float* b, float* c,
                        const float* bias, const float* next) {
  const D d;
  V sum[Rows][Vectors];
  start(p, c, bias, sum);
  // Four rows of a from each pointer, as processors address them.
  const int64_t row = p.a_row, step = p.a_depth, b_row = p.b_row, b_panel = p.b_panel;
  const float *a0 = a, *a4 = a + (Rows > 4 ? 4 : 0) * row, *a8 = a + (Rows > 8 ? 8 : 0) * row;
  const int64_t to_next_run = p.a_run - p.depth * step;
  for (int64_t run = p.runs; run > 0; --run) {
    for (int64_t k = p.depth; k > 0; --k) {
      V right[Vectors];
      for (int j = 0; j < Vectors; ++j)
        right[j] = hn::LoadU(d, b + j / 2 * b_panel + j % 2 * width);
      if (next) {
        hwy::Prefetch(next);
        if (width > 8 && Vectors > 1) hwy::Prefetch(next + width);
        next += b_row;
      }
      for (int i = 0; i < Rows; ++i) {
        const float* from = i < 4 ? a0 : i < 8 ? a4 : a8;
        const V left = hn::Set(d, from[i % 4 * row]);
        for (int j = 0; j < Vectors; ++j) sum[i][j] = hn::MulAdd(left, right[j], sum[i][j]);
      }
      a0 += step, a4 += step, a8 += step, b += b_row;
    }
    a0 += to_next_run, a4 += to_next_run, a8 += to_next_run;
  }
  finish(p, sum, c);
}

using Block = void (*)(const Product&, const float*, const float*, float*, const float*,
                       const float*);
template <int Vectors, int... Rows>
Block block_of(int64_t rows, std::integer_sequence<int, Rows...>) {
  static constexpr Block all[] = {block<Rows + 1, Vectors>...};
  return all[rows - 1];
}

// All rows of one panel, in blocks of about equal height.
template <int Vectors>
void rows_of_panel(const Product& p, const float* b, float* c, const float* bias,
                   const float* next) {
  const int64_t blocks = (p.rows + most_rows - 1) / most_rows;
  const int64_t least = p.rows / blocks, higher = p.rows % blocks;
  int64_t first = 0;
  for (int64_t i = 0; i < blocks; ++i) {
    const int64_t rows = least + (i < higher);
    block_of<Vectors>(rows, std::make_integer_sequence<int, most_rows>())(
        p, p.a + first * p.a_row, b, c + first * p.c_row, bias, i ? nullptr : next);
    first += rows;
  }
}

// A last panel that does not fill its vectors: by way of a block that it fills.
void rest_of_columns(const Product& p, const float* b, float* c, const float* bias,
                     int64_t columns) {
  HWY_ALIGN float whole[most_rows * 2 * width];
  Product part = p;
  part.c_row = 2 * width, part.past_caches = false, part.add = p.add || bias;
  for (int64_t first = 0; first < p.rows; first += most_rows) {
    part.rows = std::min<int64_t>(most_rows, p.rows - first);
    part.a = p.a + first * p.a_row;
    float* at = c + first * p.c_row;
    for (int64_t i = 0; part.add && i < part.rows; ++i)
      std::copy_n(p.add ? at + i * p.c_row : bias, columns, whole + i * part.c_row);
    if (columns > width)
      rows_of_panel<2>(part, b, whole, nullptr, nullptr);
    else
      rows_of_panel<1>(part, b, whole, nullptr, nullptr);
    for (int64_t i = 0; i < part.rows; ++i)
      std::copy_n(whole + i * part.c_row, columns, at + i * p.c_row);
  }
}

bool is_aligned(const Product& p) {
  return reinterpret_cast<uintptr_t>(p.c) % (width * sizeof(float)) == 0 && p.c_row % width == 0;
}

void multiply(Product p) {
  constexpr int64_t panel = 2 * width;
  p.past_caches = p.past_caches && is_aligned(p);
  int64_t j = 0;  // panels
  const auto b = [&] { return p.b + j * p.b_panel; };
  const auto c = [&] { return p.c + j * panel; };
  const auto bias = [&] { return p.bias ? p.bias + j * panel : nullptr; };
  // With one or two rows the time goes into reading b, and one stream does not fill the memory bus.
  if (p.rows == 1)
    for (; (j + 4) * panel <= p.columns; j += 4) block<1, 8>(p, p.a, b(), c(), bias(), nullptr);
  if (p.rows == 2)
    for (; (j + 2) * panel <= p.columns; j += 2) block<2, 4>(p, p.a, b(), c(), bias(), nullptr);
  for (; (j + 1) * panel <= p.columns; ++j) rows_of_panel<2>(p, b(), c(), bias(), b() + p.b_panel);
  const int64_t left = p.columns - j * panel;
  if (left == width)
    rows_of_panel<1>(p, b(), c(), bias(), nullptr);
  else if (left > 0)
    rest_of_columns(p, b(), c(), bias(), left);
  if (p.past_caches) hwy::FlushStream();  // before other threads may hear of it
}

// Full panels of columns that are neighbours in b.
void pack_panels(const float* b, int64_t depth, int64_t panels, int64_t row, float* packed) {
  const D d;
  const int64_t panel = depth * 2 * width;
  for (int64_t p = 0; p < depth; ++p, b += row, packed += 2 * width)
    for (int64_t j = 0; j < panels; ++j) {
      const V left = hn::LoadU(d, b + 2 * j * width), right = hn::LoadU(d, b + (2 * j + 1) * width);
      hn::StoreU(left, d, packed + j * panel);
      hn::StoreU(right, d, packed + j * panel + width);
    }
}

int64_t lanes() { return width; }

}  // namespace alx::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/vectors/dispatch.h"
namespace alx::vectors {

int64_t lanes(Target target) { return ALX_ON(target, lanes)(); }
int64_t panel_width(Target target) { return 2 * lanes(target); }
void multiply(Target target, const Product& product) { ALX_ON(target, multiply)(product); }

int64_t packed_columns(Target target, int64_t columns) {
  const int64_t panel = panel_width(target);
  return (columns + panel - 1) / panel * panel;
}

void pack(Target target, const float* b, int64_t depth, int64_t columns, int64_t row,
          int64_t column, float* packed) {
  const int64_t panel = panel_width(target);
  const int64_t full = column == 1 ? columns / panel : 0;
  ALX_ON(target, pack_panels)(b, depth, full, row, packed);
  packed += full * depth * panel;
  for (int64_t first = full * panel; first < columns; first += panel, packed += depth * panel) {
    const int64_t filled = std::min(panel, columns - first);
    for (int64_t p = 0; p < depth; ++p) {
      float* to = packed + p * panel;
      for (int64_t i = 0; i < filled; ++i) to[i] = b[p * row + (first + i) * column];
      std::fill(to + filled, to + panel, 0.f);
    }
  }
}

}  // namespace alx::vectors
#endif
