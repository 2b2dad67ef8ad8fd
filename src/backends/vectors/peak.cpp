#include "backends/vectors/peak.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/vectors/peak.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace alx::vectors::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// Ten chains cover the latency of two units with room to spare. Each starts elsewhere: of equal
// ones the compiler makes one.
int64_t multiply_add(int64_t rounds, float& value) {
  const hn::ScalableTag<float> d;
  const auto factor = hn::Set(d, 0.999f), term = hn::Set(d, value);
  auto a = term, b = hn::Add(a, term), c = hn::Add(b, term), e = hn::Add(c, term),
       f = hn::Add(e, term), g = hn::Add(f, term), h = hn::Add(g, term), i = hn::Add(h, term),
       j = hn::Add(i, term), k = hn::Add(j, term);
  for (int64_t round = 0; round < rounds; ++round) {
    a = hn::MulAdd(a, factor, term), b = hn::MulAdd(b, factor, term);
    c = hn::MulAdd(c, factor, term), e = hn::MulAdd(e, factor, term);
    f = hn::MulAdd(f, factor, term), g = hn::MulAdd(g, factor, term);
    h = hn::MulAdd(h, factor, term), i = hn::MulAdd(i, factor, term);
    j = hn::MulAdd(j, factor, term), k = hn::MulAdd(k, factor, term);
  }
  const auto sum =
      hn::Add(hn::Add(hn::Add(hn::Add(a, b), hn::Add(c, e)), hn::Add(hn::Add(f, g), hn::Add(h, i))),
              hn::Add(j, k));
  value = hn::GetLane(hn::SumOfLanes(d, sum));
  return rounds * 10 * 2 * static_cast<int64_t>(hn::Lanes(d));
}

// Four places at once: one stream does not fill the memory bus.
float read(const float* values, int64_t count) {
  const hn::ScalableTag<float> d;
  const auto step = static_cast<int64_t>(hn::Lanes(d));
  const int64_t quarter = count / 4 / step * step;
  auto a = hn::Zero(d), b = a, c = a, e = a;
  for (int64_t i = 0; i < quarter; i += step) {
    a = hn::Add(a, hn::LoadU(d, values + i));
    b = hn::Add(b, hn::LoadU(d, values + quarter + i));
    c = hn::Add(c, hn::LoadU(d, values + 2 * quarter + i));
    e = hn::Add(e, hn::LoadU(d, values + 3 * quarter + i));
  }
  return hn::GetLane(hn::SumOfLanes(d, hn::Add(hn::Add(a, b), hn::Add(c, e))));
}

}  // namespace alx::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/vectors/dispatch.h"
namespace alx::vectors {

int64_t multiply_add(Target target, int64_t rounds, float& value) {
  return ALX_ON(target, multiply_add)(rounds, value);
}

float read(Target target, const float* values, int64_t count) {
  return ALX_ON(target, read)(values, count);
}

}  // namespace alx::vectors
#endif
