#include "core/finite.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>

namespace alx {

size_t first_not_finite(const float* values, size_t count) {
  constexpr size_t block = 256;  // of a fixed size, which compilers turn into vector code
  size_t first = 0;
  for (; first + block <= count; first += block) {
    uint32_t any = 0;  // an exponent of nothing but ones carries into the sign's place
    for (size_t i = 0; i < block; ++i)
      any |= (std::bit_cast<uint32_t>(values[first + i]) & 0x7f800000u) + 0x00800000u;
    if (any >> 31 != 0) break;
  }
  while (first < count && std::isfinite(values[first])) ++first;
  return first;
}

void FiniteCopy::copy(size_t first, size_t count, float* to) {
  constexpr size_t cached = 4096;
  for (size_t at = 0; at < count; at += cached) {
    const float* from = values_.data() + first + at;
    const size_t part = std::min(cached, count - at);
    std::copy_n(from, part, to + at);
    const size_t finite = first_not_finite(from, part);
    if (finite == part) continue;
    const size_t found = first + at + finite;
    for (size_t known = wrong_; found < known;)
      if (wrong_.compare_exchange_weak(known, found)) break;
    return;
  }
}

}  // namespace alx
