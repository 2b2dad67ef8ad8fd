#include "backends/vectors/pooling.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/vectors/pooling.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
//
#include "backends/vectors/each-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alx::vectors::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline float divisor(const Pooling& p, const PoolSpan& row, const PoolSpan& column) {
  return static_cast<float>(p.count_padding ? row.counted * column.counted
                                            : row.length() * column.length());
}

// The first of equals wins, and not-a-number.
template <class D>
HWY_INLINE void maximum(D d, const Pooling& p, const PoolSpan& row, const PoolSpan& column,
                        const float* x, float* y, uint8_t* winner) {
  const hn::RebindToSigned<D> di;
  auto best = hn::LoadU(d, x + row.first * p.row() + column.first * p.channels);
  auto at = hn::Zero(di);
  int32_t place = 0;
  for (int64_t h = row.first; h < row.last; ++h)
    for (int64_t w = column.first; w < column.last; ++w, ++place) {
      const auto value = hn::LoadU(d, x + h * p.row() + w * p.channels);
      const auto wins = hn::Or(hn::Gt(value, best), hn::IsNaN(value));
      best = hn::IfThenElse(wins, value, best);
      if (winner) at = hn::IfThenElse(hn::RebindMask(di, wins), hn::Set(di, place), at);
    }
  hn::StoreU(best, d, y);
  if (winner)
    hn::StoreU(hn::DemoteTo(hn::Rebind<uint8_t, D>(), at), hn::Rebind<uint8_t, D>(), winner);
}

template <class D>
HWY_INLINE void average(D d, const Pooling& p, const PoolSpan& row, const PoolSpan& column,
                        const float* x, float* y) {
  auto sum = hn::Zero(d);
  for (int64_t h = row.first; h < row.last; ++h)
    for (int64_t w = column.first; w < column.last; ++w)
      sum = hn::Add(sum, hn::LoadU(d, x + h * p.row() + w * p.channels));
  hn::StoreU(hn::Div(sum, hn::Set(d, divisor(p, row, column))), d, y);
}

void pool(const Pooling& p, const float* x, float* y, uint8_t* winners, int64_t first,
          int64_t last) {
  for (int64_t row = first; row < last; ++row) {
    int64_t out = row * p.out_row();
    for (const PoolSpan& column : p.columns) {
      each_element(p.channels, [&](auto d, int64_t c) HWY_ATTR {
        const PoolSpan& rows = p.rows[static_cast<size_t>(row)];
        if (p.max)
          maximum(d, p, rows, column, x + c, y + out + c, winners ? winners + out + c : nullptr);
        else
          average(d, p, rows, column, x + c, y + out + c);
      });
      out += p.channels;
    }
  }
}

// What the input at (h, w) gets from one window that holds it.
template <class D>
HWY_INLINE hn::Vec<D> share(D d, const Pooling& p, int64_t h, int64_t w, const PoolSpan& row,
                            const PoolSpan& column, const float* dy, const uint8_t* winner) {
  const auto grad = hn::LoadU(d, dy);
  if (!p.max) return hn::Div(grad, hn::Set(d, divisor(p, row, column)));
  const hn::RebindToSigned<D> di;
  const int64_t place = (h - row.first) * column.length() + w - column.first;
  const auto won = hn::PromoteTo(di, hn::LoadU(hn::Rebind<uint8_t, D>(), winner));
  const auto here = hn::Eq(won, hn::Set(di, static_cast<int32_t>(place)));
  return hn::IfThenElseZero(hn::RebindMask(d, here), grad);
}

void pool_gradient(const Pooling& p, const float* dy, const uint8_t* winners, float* dx,
                   int64_t first, int64_t last) {
  for (int64_t h = first; h < last; ++h)
    for (int64_t w = 0; w < p.width; ++w) {
      const auto rows = p.holders_of_row[static_cast<size_t>(h)];
      const auto columns = p.holders_of_column[static_cast<size_t>(w)];
      each_element(p.channels, [&](auto d, int64_t c) HWY_ATTR {
        auto sum = hn::Zero(d);
        for (int64_t i = rows.first; i < rows.last; ++i)
          for (int64_t j = columns.first; j < columns.last; ++j) {
            const int64_t out = i * p.out_row() + j * p.channels + c;
            sum = hn::Add(sum, share(d, p, h, w, p.rows[static_cast<size_t>(i)],
                                     p.columns[static_cast<size_t>(j)], dy + out,
                                     winners ? winners + out : nullptr));
          }
        hn::StoreU(sum, d, dx + h * p.row() + w * p.channels + c);
      });
    }
}

}  // namespace alx::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/vectors/dispatch.h"
namespace alx::vectors {

void pool(Target target, const Pooling& pooling, const float* x, float* y, uint8_t* winners,
          int64_t first, int64_t last) {
  ALX_ON(target, pool)(pooling, x, y, winners, first, last);
}

void pool_gradient(Target target, const Pooling& pooling, const float* dy, const uint8_t* winners,
                   float* dx, int64_t first, int64_t last) {
  ALX_ON(target, pool_gradient)(pooling, dy, winners, dx, first, last);
}

}  // namespace alx::vectors
#endif
