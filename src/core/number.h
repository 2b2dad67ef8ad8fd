// Numbers as texts and back, the same whatever the host program's locale.
#pragma once
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "core/text.h"

namespace alx {

// The whole text as a number: no space, no plus, a point for the decimals. Empty where it is none or does not fit.
template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// With so many significant digits at most, as printf's %g.
inline std::string general(double value, int digits) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr};
}

// Lower-case hexadecimal digits, at least `width` of them.
inline std::string hex(uint64_t value, size_t width = 1) {
  char digits[16];
  return zero_padded({digits, std::to_chars(digits, digits + sizeof digits, value, 16).ptr}, width);
}

}  // namespace alx
