// s^-0.75 by two square roots, since that is the power in every published network; others by
// exponential and logarithm.
#include "backends/vectors/lrn.h"

#include <algorithm>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/vectors/lrn.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
//
#include <hwy/contrib/math/math-inl.h>

#include "backends/vectors/each-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alx::vectors::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr int64_t band = 8;  // rows of one part of a normalisation within channels

// Floats before and behind a row of sums that windows may reach into.
inline int64_t margin(int64_t size, int64_t step) { return (size * step + 15) / 16 * 16; }

// s^-beta and 1 / s.
template <class V>
struct Power {
  V power, inverse;
};

// The sum of `size` values `step` apart, from `first` on.
template <class D>
HWY_INLINE hn::Vec<D> window_sum(D d, const float* first, int64_t size, int64_t step) {
  hn::Vec<D> sum = hn::LoadU(d, first);
  for (int64_t i = 1; i < size; ++i) sum = hn::Add(sum, hn::LoadU(d, first + i * step));
  return sum;
}

// An op, and the formulas that both regions share.
struct Formula {
  explicit Formula(const Lrn& op)
      : size(op.size),
        before(op.size / 2),
        after(op.size - 1 - before),
        k(op.k),
        a(op.effective_alpha()),
        beta(op.beta) {}
  int64_t size, before, after;
  float k, a, beta;

  // `squares`: their sum over a window.
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE Power<V> power(D d, V squares) const {
    const V one = hn::Set(d, 1.f), s = hn::MulAdd(hn::Set(d, a), squares, hn::Set(d, k));
    const V root = hn::Sqrt(s);
    if (beta == 0.75f) {
      const V fourth = hn::Sqrt(root), power = hn::Div(one, hn::Mul(root, fourth));
      const V inverse_root = hn::Mul(power, fourth);
      return {power, hn::Mul(inverse_root, inverse_root)};
    }
    // The logarithm takes what is no positive number for one.
    const V power = hn::Exp(d, hn::Mul(hn::Set(d, -beta), hn::Log(d, s)));
    return {hn::IfThenElse(hn::Gt(s, hn::Zero(d)), power, hn::Div(one, root)), hn::Div(one, s)};
  }

  // dx = dy s^-beta - 2 a beta x (the sum of dy x s^(-beta - 1) over the windows that x is in):
  // an element's term of those sums, and what they make of it.
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V term(D d, const float* dy, const float* x, const Power<V>& p) const {
    return hn::Mul(hn::Mul(hn::LoadU(d, dy), hn::LoadU(d, x)), hn::Mul(p.power, p.inverse));
  }
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE V gradient(D d, const float* dy, const float* x, const float* power, V terms) const {
    const V lost = hn::Mul(hn::Mul(hn::Set(d, 2 * a * beta), hn::LoadU(d, x)), terms);
    return hn::MulSub(hn::LoadU(d, dy), hn::LoadU(d, power), lost);
  }
};

// ---- across channels: a part is a position -----------------------------------------------------

// Visits a position's channels by vectors, whose length divides their number: visit(their first).
template <class D, class Visit>
HWY_INLINE void each_vector(D d, const Planes& planes, Visit visit) {
  for (int64_t c = 0; c < planes.channels; c += static_cast<int64_t>(hn::Lanes(d))) visit(c);
}

// One position, whose first element is `at`. Margins of `squares` and `terms` are zero.
template <class D>
void forward_across(D d, const LrnPass& pass, const Formula& f, int64_t at, const float* squares) {
  each_vector(d, pass.planes, [&](int64_t c) HWY_ATTR {
    const auto p = f.power(d, window_sum(d, squares + c - f.before, f.size, 1));
    hn::StoreU(hn::Mul(hn::LoadU(d, pass.x + at + c), p.power), d, pass.out + at + c);
  });
}

template <class D>
void backward_across(D d, const LrnPass& pass, const Formula& f, int64_t at, const float* squares,
                     float* terms, float* powers) {
  const float *x = pass.x + at, *dy = pass.dy + at;
  each_vector(d, pass.planes, [&](int64_t c) HWY_ATTR {
    const auto p = f.power(d, window_sum(d, squares + c - f.before, f.size, 1));
    hn::StoreU(p.power, d, powers + c);
    hn::StoreU(f.term(d, dy + c, x + c, p), d, terms + c);
  });
  each_vector(d, pass.planes, [&](int64_t c) HWY_ATTR {
    const auto sum = window_sum(d, terms + c - f.after, f.size, 1);
    hn::StoreU(f.gradient(d, dy + c, x + c, powers + c, sum), d, pass.out + at + c);
  });
}

template <class D>
void across(D d, const LrnPass& pass, int64_t first, int64_t last, float* scratch) {
  const Formula f(pass.op);
  const Planes& planes = pass.planes;
  const int64_t edge = margin(pass.op.size, 1), row = planes.channels + 2 * edge;
  std::fill_n(scratch, 3 * row, 0.f);
  for (int64_t part = first; part < last; ++part) {
    const int64_t at = part * planes.channels;
    float* squares = scratch + edge;
    each_vector(d, planes, [&](int64_t c) HWY_ATTR {
      const auto v = hn::LoadU(d, pass.x + at + c);
      hn::StoreU(hn::Mul(v, v), d, squares + c);
    });
    if (pass.backward)
      backward_across(d, pass, f, at, squares, scratch + row + edge, scratch + 2 * row);
    else
      forward_across(d, pass, f, at, squares);
  }
}

// ---- within a channel: a part is a band of an image's rows --------------------------------------

struct Band {
  const LrnPass& pass;
  Formula f;
  int64_t row, edge;        // elements of a row, and of the margins around a row of sums
  int64_t at, first, last;  // where the image begins, and the band's rows
  float* scratch;

  // `sums`, `edge` into a row of scratch: of each column the window's rows of value(row, tag,
  // element).
  template <class F>
  HWY_INLINE void add_rows(int64_t from, int64_t to, float* sums, F value) const {
    from = std::max<int64_t>(from, 0), to = std::min(to, pass.planes.height);
    each_element(row, [&](auto d, int64_t i) HWY_ATTR {
      auto sum = hn::Zero(d);
      for (int64_t h = from; h < to; ++h) sum = hn::Add(sum, value(h, d, i));
      hn::StoreU(sum, d, sums + i);
    });
  }

  // sums: the squares of the rows that row h's windows hold.
  HWY_INLINE void add_squares(int64_t h, float* sums) const {
    add_rows(h - f.before, h - f.before + f.size, sums,
             [&](int64_t from, auto d, int64_t i) HWY_ATTR {
               const auto v = hn::LoadU(d, pass.x + at + from * row + i);
               return hn::Mul(v, v);
             });
  }

  void forward() const {
    float* sums = scratch + edge;
    const int64_t step = pass.planes.channels;
    for (int64_t h = first; h < last; ++h) {
      add_squares(h, sums);
      each_element(row, [&](auto d, int64_t i) HWY_ATTR {
        const int64_t o = at + h * row + i;
        const auto p = f.power(d, window_sum(d, sums + i - f.before * step, f.size, step));
        hn::StoreU(hn::Mul(hn::LoadU(d, pass.x + o), p.power), d, pass.out + o);
      });
    }
  }

  void backward() const {
    const int64_t step = pass.planes.channels;
    float *sums = scratch + edge, *powers = scratch + row + 2 * edge, *terms = powers + band * row;
    const int64_t begin = std::max<int64_t>(first - f.after, 0);  // row of the first terms
    for (int64_t h = begin; h < std::min(last + f.before, pass.planes.height); ++h) {
      add_squares(h, sums);
      const bool kept = h >= first && h < last;
      each_element(row, [&](auto d, int64_t i) HWY_ATTR {
        const int64_t o = at + h * row + i;
        const auto p = f.power(d, window_sum(d, sums + i - f.before * step, f.size, step));
        if (kept) hn::StoreU(p.power, d, powers + (h - first) * row + i);
        hn::StoreU(f.term(d, pass.dy + o, pass.x + o, p), d, terms + (h - begin) * row + i);
      });
    }
    for (int64_t h = first; h < last; ++h) {
      add_rows(h - f.after, h + f.before + 1, sums, [&](int64_t from, auto d, int64_t i) HWY_ATTR {
        return hn::LoadU(d, terms + (from - begin) * row + i);
      });
      each_element(row, [&](auto d, int64_t i) HWY_ATTR {
        const int64_t o = at + h * row + i;
        const auto sum = window_sum(d, sums + i - f.after * step, f.size, step);
        const float* power = powers + (h - first) * row + i;
        hn::StoreU(f.gradient(d, pass.dy + o, pass.x + o, power, sum), d, pass.out + o);
      });
    }
  }
};

void within(const LrnPass& pass, int64_t first, int64_t last, float* scratch) {
  const Planes& planes = pass.planes;
  const int64_t row = planes.row(), edge = margin(pass.op.size, planes.channels);
  const int64_t bands = (planes.height + band - 1) / band;
  std::fill_n(scratch, row + 2 * edge, 0.f);
  for (int64_t part = first; part < last; ++part) {
    const int64_t top = part % bands * band;
    const Band work{pass,
                    Formula(pass.op),
                    row,
                    edge,
                    part / bands * planes.height * row,
                    top,
                    std::min(top + band, planes.height),
                    scratch};
    pass.backward ? work.backward() : work.forward();
  }
}

// Vectors as long as the channels divide into.
void run(const LrnPass& pass, int64_t first, int64_t last, float* scratch) {
  if (pass.op.region == Lrn::Region::within) return within(pass, first, last, scratch);
  const hn::ScalableTag<float> whole;
  const hn::CappedTag<float, 8> eight;
  const hn::CappedTag<float, 4> four;
  const auto fits = [&](auto d) HWY_ATTR {
    return pass.planes.channels % static_cast<int64_t>(hn::Lanes(d)) == 0;
  };
  if (fits(whole)) return across(whole, pass, first, last, scratch);
  if (fits(eight)) return across(eight, pass, first, last, scratch);
  if (fits(four)) return across(four, pass, first, last, scratch);
  across(hn::CappedTag<float, 1>(), pass, first, last, scratch);
}

}  // namespace alx::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/vectors/dispatch.h"
namespace alx::vectors {

int64_t LrnPass::parts() const {
  constexpr int64_t rows = HWY_STATIC_DISPATCH(band);
  if (op.region == Lrn::Region::across) return planes.images * planes.height * planes.width;
  return planes.images * ((planes.height + rows - 1) / rows);
}

int64_t LrnPass::scratch() const {
  constexpr int64_t rows = HWY_STATIC_DISPATCH(band);
  const auto edges = [&](int64_t step) { return 2 * HWY_STATIC_DISPATCH(margin)(op.size, step); };
  if (op.region == Lrn::Region::across) return 3 * (planes.channels + edges(1));
  return planes.row() + edges(planes.channels) +
         (backward ? (2 * rows + op.size - 1) * planes.row() : 0);
}

void LrnPass::run(Target target, int64_t first, int64_t last, float* scratch) const {
  ALX_ON(target, run)(*this, first, last, scratch);
}

}  // namespace alx::vectors
#endif
