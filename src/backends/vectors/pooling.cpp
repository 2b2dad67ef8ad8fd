#include "backends/vectors/pooling.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/vectors/pooling.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
//
#include "backends/vectors/each-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alx::vectors::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Of an average.
inline float share_of(const Pooling& p, const PoolSpan& row, const PoolSpan& column) {
  return 1 / static_cast<float>(p.count_padding ? row.counted * column.counted
                                                : row.length() * column.length());
}

// What an output is made of.
struct Window {
  const float* x;
  int64_t row, pixel, height, width;
};

// The first of equals wins, and not-a-number.
template <class D>
HWY_INLINE void maximum(D d, const Window& in, int64_t c, float* y) {
  const float* x = in.x + c;
  auto best = hn::LoadU(d, x);
  auto no_numbers = hn::IsNaN(best);
  for (int64_t h = 0; h < in.height; ++h, x += in.row)
    for (int64_t w = 0; w < in.width; ++w) {
      const auto value = hn::LoadU(d, x + w * in.pixel);
      no_numbers = hn::Or(no_numbers, hn::IsNaN(value));
      best = hn::Max(value, best);
    }
  hn::StoreU(hn::IfThenElse(no_numbers, hn::NaN(d), best), d, y + c);
}

// The same, and its place in the window.
template <class D>
HWY_INLINE void winner(D d, const Window& in, int64_t c, float* y, uint8_t* winners) {
  const hn::RebindToSigned<D> di;
  const float* x = in.x + c;
  auto best = hn::LoadU(d, x);
  auto at = hn::Zero(di);
  int32_t place = 0;
  for (int64_t h = 0; h < in.height; ++h, x += in.row)
    for (int64_t w = 0; w < in.width; ++w, ++place) {
      const auto value = hn::LoadU(d, x + w * in.pixel);
      const auto wins = hn::Or(hn::Gt(value, best), hn::IsNaN(value));
      best = hn::IfThenElse(wins, value, best);
      at = hn::IfThenElse(hn::RebindMask(di, wins), hn::Set(di, place), at);
    }
  hn::StoreU(best, d, y + c);
  hn::StoreU(hn::DemoteTo(hn::Rebind<uint8_t, D>(), at), hn::Rebind<uint8_t, D>(), winners + c);
}

template <class D>
HWY_INLINE void average(D d, const Window& in, int64_t c, float share, float* y) {
  const float* x = in.x + c;
  auto sum = hn::Zero(d);
  for (int64_t h = 0; h < in.height; ++h, x += in.row)
    for (int64_t w = 0; w < in.width; ++w) sum = hn::Add(sum, hn::LoadU(d, x + w * in.pixel));
  hn::StoreU(hn::Mul(sum, hn::Set(d, share)), d, y + c);
}

void pool(const Pooling& p, const float* x, float* y, uint8_t* winners, int64_t first,
          int64_t last) {
  const int64_t channels = p.channels;
  for (int64_t i = first; i < last; ++i) {
    const PoolSpan row = p.rows[static_cast<size_t>(i)];
    int64_t out = i * p.out_row();
    for (const PoolSpan& column : p.columns) {
      const Window in{x + row.first * p.row() + column.first * channels, p.row(), channels,
                      row.length(), column.length()};
      float* to = y + out;
      if (!p.max)
        each_element(channels, [&, share = share_of(p, row, column)](auto d, int64_t c)
                                   HWY_ATTR { average(d, in, c, share, to); });
      else if (winners)
        each_element(channels, [&, places = winners + out](auto d, int64_t c)
                                   HWY_ATTR { winner(d, in, c, to, places); });
      else
        each_element(channels, [&](auto d, int64_t c) HWY_ATTR { maximum(d, in, c, to); });
      out += channels;
    }
  }
}

// Adds to an input what it gets from one window that holds it, at `place` of those that it has;
// the first one's is written.
void add_share(const Pooling& p, bool is_first, int32_t place, float share, const float* dy,
               const uint8_t* winners, float* dx) {
  each_element(p.channels, [=, max = p.max](auto d, int64_t c) HWY_ATTR {
    const hn::RebindToSigned<decltype(d)> di;
    const hn::Rebind<uint8_t, decltype(d)> du;
    auto grad = hn::LoadU(d, dy + c);
    if (max) {
      const auto won = hn::PromoteTo(di, hn::LoadU(du, winners + c));
      grad = hn::IfThenElseZero(hn::RebindMask(d, hn::Eq(won, hn::Set(di, place))), grad);
    } else {
      grad = hn::Mul(grad, hn::Set(d, share));
    }
    hn::StoreU(is_first ? grad : hn::Add(hn::LoadU(d, dx + c), grad), d, dx + c);
  });
}

void pool_gradient(const Pooling& p, const float* dy, const uint8_t* winners, float* dx,
                   int64_t first, int64_t last) {
  for (int64_t h = first; h < last; ++h)
    for (int64_t w = 0; w < p.width; ++w) {
      const auto rows = p.holders_of_row[static_cast<size_t>(h)];
      const auto columns = p.holders_of_column[static_cast<size_t>(w)];
      float* to = dx + h * p.row() + w * p.channels;
      bool is_first = true;
      for (int64_t i = rows.first; i < rows.last; ++i)
        for (int64_t j = columns.first; j < columns.last; ++j, is_first = false) {
          const PoolSpan &row = p.rows[static_cast<size_t>(i)],
                         &column = p.columns[static_cast<size_t>(j)];
          const int64_t place = (h - row.first) * column.length() + w - column.first,
                        out = i * p.out_row() + j * p.channels;
          add_share(p, is_first, static_cast<int32_t>(place), p.max ? 0 : share_of(p, row, column),
                    dy + out, p.max ? winners + out : nullptr, to);
        }
      if (is_first) std::fill_n(to, p.channels, 0.f);
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
