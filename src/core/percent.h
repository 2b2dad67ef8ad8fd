// A fraction as people read it, the same in figures and on the terminal.
#pragma once
#include <charconv>
#include <cmath>
#include <string>

namespace alx {

// "97.3%"; what would round to 0 or 100 without being it stays visible as "<0.1%" and ">99.9%". "n/a" where not a
// number. Not printf: its decimal point would follow the host program's locale.
inline std::string percent_text(double fraction) {
  if (!std::isfinite(fraction)) return "n/a";
  if (fraction <= 0) return "0.0%";
  if (fraction < 0.0005) return "<0.1%";
  if (fraction >= 1) return "100%";
  if (fraction >= 0.9995) return ">99.9%";
  char digits[16];
  const auto end = std::to_chars(digits, digits + sizeof digits, fraction * 100, std::chars_format::fixed, 1).ptr;
  return std::string(digits, end) + "%";
}

}  // namespace alx
