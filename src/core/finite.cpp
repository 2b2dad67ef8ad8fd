#include "core/finite.h"

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

}  // namespace alx
