#include "backends/vectors/half.h"

#include "core/half.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backends/vectors/half.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
//
#include "backends/vectors/each-inl.h"

HWY_BEFORE_NAMESPACE();
namespace alx::vectors::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

template <class D>
HWY_INLINE hn::Vec<D> from_bf16(D d, const uint16_t* at) {
  const hn::RebindToUnsigned<D> du;
  const auto bits = hn::PromoteTo(du, hn::LoadU(hn::Rebind<uint16_t, D>(), at));
  return hn::BitCast(d, hn::ShiftLeft<16>(bits));
}

template <class D>
HWY_INLINE void to_bf16(D, hn::Vec<D> value, uint16_t* at) {
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const auto bits = hn::BitCast(du, value);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1u));
  const auto rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7fffu)));
  const auto nan = hn::RebindMask(du, hn::IsNaN(value));
  const auto made =
      hn::ShiftRight<16>(hn::IfThenElse(nan, hn::Or(bits, hn::Set(du, 1u << 22)), rounded));
  hn::StoreU(hn::DemoteTo(hn::Rebind<uint16_t, D>(), hn::BitCast(di, made)),
             hn::Rebind<uint16_t, D>(), at);
}

// Where the instruction set has conversions of f16; Highway's own emulation rounds otherwise.
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_SSE4
void from_f16(const uint16_t* from, float* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = half_to_float(from[i]);
}
void to_f16(const float* from, uint16_t* to, int64_t count) {
  for (int64_t i = 0; i < count; ++i) to[i] = float_to_half(from[i]);
}
#else
void from_f16(const uint16_t* from, float* to, int64_t count) {
  each_element(count, [&](auto d, int64_t i) HWY_ATTR {
    const hn::Rebind<hwy::float16_t, decltype(d)> dh;
    hn::StoreU(hn::PromoteTo(d, hn::LoadU(dh, reinterpret_cast<const hwy::float16_t*>(from) + i)),
               d, to + i);
  });
}
void to_f16(const float* from, uint16_t* to, int64_t count) {
  each_element(count, [&](auto d, int64_t i) HWY_ATTR {
    const hn::Rebind<hwy::float16_t, decltype(d)> dh;
    hn::StoreU(hn::DemoteTo(dh, hn::LoadU(d, from + i)), dh,
               reinterpret_cast<hwy::float16_t*>(to) + i);
  });
}
#endif

void to_f32(DataType type, const void* half, float* to, int64_t count) {
  const auto* from = static_cast<const uint16_t*>(half);
  if (type == DataType::f16) return from_f16(from, to, count);
  each_element(count,
               [&](auto d, int64_t i) HWY_ATTR { hn::StoreU(from_bf16(d, from + i), d, to + i); });
}

void from_f32(DataType type, const float* from, void* half, int64_t count) {
  auto* to = static_cast<uint16_t*>(half);
  if (type == DataType::f16) return to_f16(from, to, count);
  each_element(count,
               [&](auto d, int64_t i) HWY_ATTR { to_bf16(d, hn::LoadU(d, from + i), to + i); });
}

}  // namespace alx::vectors::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
#include "backends/vectors/dispatch.h"
namespace alx::vectors {

void to_f32(Target target, DataType type, const void* half, float* to, int64_t count) {
  ALX_ON(target, to_f32)(type, half, to, count);
}

void from_f32(Target target, DataType type, const float* from, void* half, int64_t count) {
  ALX_ON(target, from_f32)(type, from, half, count);
}

}  // namespace alx::vectors
#endif
