// Small helpers for the bytes of files from strangers. Internal to src/weights.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "core/number.h"

namespace alx {

// Little-endian, no alignment assumed.
template <class T>
T load_le(const std::byte* from) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value | (static_cast<T>(from[i]) << (8 * i)));
  return value;
}

template <class T>
void store_le(T value, std::byte* to) {
  for (size_t i = 0; i < sizeof(T); ++i) to[i] = static_cast<std::byte>((value >> (8 * i)) & 0xff);
}

inline std::string_view as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// True where [offset, offset + length) lies inside `size` bytes.
inline bool inside(uint64_t offset, uint64_t length, uint64_t size) {
  return offset <= size && length <= size - offset;
}

// Text out of a file for an error message: in quotes, escaped, cut where it is long.
inline std::string in_quotes(std::string_view text) {
  constexpr size_t most = 120;
  std::string result = "\"";
  for (const char c : text.substr(0, most)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f)
      result += c;
    else
      result += "\\x" + hex(byte, 2);
  }
  return result + (text.size() > most ? "...\"" : "\"");
}

}  // namespace alx
