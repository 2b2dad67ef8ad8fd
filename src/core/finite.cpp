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

size_t copy_finite(const float* values, size_t count, float* to) {
  constexpr size_t block = 1024;  // is checked while it is in the cache
  for (size_t first = 0; first < count; first += block) {
    const size_t size = std::min(block, count - first);
    std::copy_n(values + first, size, to + first);
    const size_t finite = first_not_finite(to + first, size);
    if (finite < size) return first + finite;
  }
  return count;
}

}  // namespace alx
