#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace alx {

// The checksum of PNG's chunks. Not zlib's: a build may lack it.
inline uint32_t crc32(std::span<const std::byte> bytes) {
  static constexpr auto table = [] {
    std::array<uint32_t, 256> values{};
    for (uint32_t i = 0; i < 256; ++i) {
      values[i] = i;
      for (int bit = 0; bit < 8; ++bit)
        values[i] = (values[i] >> 1) ^ ((values[i] & 1) != 0 ? 0xEDB88320u : 0u);
    }
    return values;
  }();
  uint32_t crc = 0xFFFFFFFFu;
  for (std::byte b : bytes) crc = (crc >> 8) ^ table[(crc ^ std::to_integer<uint32_t>(b)) & 0xFF];
  return ~crc;
}

}  // namespace alx
