#pragma once
#include <cstdint>
#include <string>

namespace alx {

struct Size {
  uint32_t width, height;
};

// From the header chunk, after the signature; 0 x 0 where the file is no PNG.
inline Size png_size(const std::string& bytes) {
  if (bytes.size() < 33 ||
      bytes.compare(0, 16, std::string("\x89PNG\r\n\x1a\n\0\0\0\rIHDR", 16)) != 0)
    return {0, 0};
  const auto number = [&](size_t at) {
    uint32_t value = 0;
    for (size_t i = at; i < at + 4; ++i) value = value << 8 | static_cast<uint8_t>(bytes[i]);
    return value;
  };
  return {number(16), number(20)};
}

}  // namespace alx
