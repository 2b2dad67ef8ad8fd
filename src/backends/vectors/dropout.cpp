#include "backends/vectors/dropout.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/vectors/dropout.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
//
#include "backends/vectors/each-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alx::vectors::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

inline void one_by_one(const Random& random, Draws draws, float drop, float scale,
                       const float* from, float* to, int64_t first, int64_t last) {
  for (int64_t i = first; i < last; ++i) {
    const bool keep = random.uniform(draws.first + static_cast<uint64_t>(i) * draws.step) >= drop;
    to[i] = keep ? from[i] * scale : 0.f;
  }
}

#if HWY_TARGET != HWY_SCALAR
using D = hn::ScalableTag<uint32_t>;
using V = hn::Vec<D>;

// The upper halves of the products.
HWY_INLINE V high_product(V a, V b) {
  const D d;
  const V even = hn::BitCast(d, hn::MulEven(a, b));
  const V odd = hn::BitCast(d, hn::MulEven(hn::Reverse2(d, a), hn::Reverse2(d, b)));
  return hn::OddEven(odd, hn::Reverse2(d, even));
}

// Random::words()[0] of these indices, all with the same upper half.
HWY_INLINE V first_words(const Random::Key& key, V low, uint32_t high) {
  const D d;
  const V m0 = hn::Set(d, Random::multipliers[0]), m1 = hn::Set(d, Random::multipliers[1]);
  V c0 = low, c1 = hn::Set(d, high), c2 = hn::Set(d, key.counter[0]),
    c3 = hn::Set(d, key.counter[1]);
  uint32_t k0 = key.key[0], k1 = key.key[1];
  for (int round = 0; round < Random::rounds; ++round) {
    const V p0 = high_product(c0, m0), p1 = high_product(c2, m1);
    const V low0 = hn::Mul(c0, m0), low1 = hn::Mul(c2, m1);
    c0 = hn::Xor(hn::Xor(p1, c1), hn::Set(d, k0));
    c2 = hn::Xor(hn::Xor(p0, c3), hn::Set(d, k1));
    c1 = low1, c3 = low0;
    k0 += Random::weyl[0], k1 += Random::weyl[1];
  }
  return c0;
}

void dropout(const Random& random, Draws draws, float drop, float scale, const float* from,
             float* to, int64_t count) {
  const D d;
  const hn::RebindToFloat<D> df;
  const hn::RebindToSigned<D> di;
  constexpr int64_t width = hn::MaxLanes(D());
  const auto step = static_cast<uint32_t>(draws.step);
  const V apart = hn::Mul(hn::Iota(d, 0), hn::Set(d, step));
  int64_t i = 0;
  for (; i + width <= count; i += width) {
    const uint64_t at = draws.first + static_cast<uint64_t>(i) * draws.step;
    const uint64_t last = at + static_cast<uint64_t>(width - 1) * draws.step;
    if (at >> 32 != last >> 32) {
      one_by_one(random, draws, drop, scale, from, to, i, i + width);
      continue;
    }
    const V low = hn::Add(hn::Set(d, static_cast<uint32_t>(at)), apart);
    const V words = first_words(random.key(), low, static_cast<uint32_t>(at >> 32));
    const auto uniform = hn::Mul(hn::ConvertTo(df, hn::BitCast(di, hn::ShiftRight<8>(words))),
                                 hn::Set(df, 0x1p-24f));
    const auto kept = hn::Mul(hn::LoadU(df, from + i), hn::Set(df, scale));
    hn::StoreU(hn::IfThenElseZero(hn::Ge(uniform, hn::Set(df, drop)), kept), df, to + i);
  }
  one_by_one(random, draws, drop, scale, from, to, i, count);
}
#else
void dropout(const Random& random, Draws draws, float drop, float scale, const float* from,
             float* to, int64_t count) {
  one_by_one(random, draws, drop, scale, from, to, 0, count);
}
#endif

void multiply_by(float scale, const float* from, float* to, int64_t count) {
  each_element(count, [&](auto d, int64_t i) HWY_ATTR {
    hn::StoreU(hn::Mul(hn::LoadU(d, from + i), hn::Set(d, scale)), d, to + i);
  });
}

}  // namespace alx::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/vectors/dispatch.h"
namespace alx::vectors {

void dropout(Target target, const Random& random, Draws draws, float drop, float scale,
             const float* from, float* to, int64_t count) {
  ALX_ON(target, dropout)(random, draws, drop, scale, from, to, count);
}

void multiply_by(Target target, float scale, const float* from, float* to, int64_t count) {
  ALX_ON(target, multiply_by)(scale, from, to, count);
}

}  // namespace alx::vectors
#endif
