// Numbers as texts and back, the same whatever the host program's locale.
#pragma once
#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "core/text.h"

namespace alx {

// The whole text as a number: no space, no plus, a point for the decimals. Empty where it is none
// or does not fit.
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
  return {text,
          std::to_chars(text, text + sizeof text, value, std::chars_format::general, digits).ptr};
}

// With so many decimals, as printf's %f.
inline std::string fixed(double value, int decimals) {
  char text[400];
  return {text,
          std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, decimals).ptr};
}

// A fraction as people read it: "97.3%"; what would round to 0 or 100 without being it stays
// visible as "<0.1%" and
// ">99.9%". "n/a" where not a number.
inline std::string percent_text(double fraction) {
  if (!std::isfinite(fraction)) return "n/a";
  if (fraction <= 0) return "0.0%";
  if (fraction < 0.0005) return "<0.1%";
  if (fraction >= 1) return "100%";
  if (fraction >= 0.9995) return ">99.9%";
  return fixed(fraction * 100, 1) + "%";
}

// Lower-case hexadecimal digits, at least `width` of them.
inline std::string hex(uint64_t value, size_t width = 1) {
  char digits[16];
  return zero_padded({digits, std::to_chars(digits, digits + sizeof digits, value, 16).ptr}, width);
}

}  // namespace alx
