#include "plot/axis.h"

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "core/number.h"

namespace alx {
namespace {

double round_step(double span, int most) {
  const double raw = span / most, power = std::pow(10, std::floor(std::log10(raw)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

// Opens an interval that holds a single value, or values that no tick can tell apart.
void widen(double& low, double& high) {
  const double size = std::max(std::abs(low), std::abs(high));
  if (high - low > size * 1e-9 && high - low > 1e-200) return;
  const double pad = size > 1e-190 ? size * 0.1 : 1;
  low -= pad;
  high += pad;
}

// Thin spaces between thousands, from five digits on.
void group_thousands(std::string& digits) {
  const size_t whole = std::min(digits.find('.'), digits.size());
  if (whole < 5) return;
  for (size_t at = whole; at > 3; at -= 3) digits.insert(at - 3, at > 3 ? "\u2009" : "");
}

}  // namespace

std::vector<double> Axis::ticks() const {
  const auto first = static_cast<int64_t>(std::ceil(low / step - 1e-6));
  const auto last = static_cast<int64_t>(std::floor(high / step + 1e-6));
  std::vector<double> ticks;
  for (int64_t i = first; i <= last; ++i) ticks.push_back(static_cast<double>(i) * step);
  return ticks;
}

std::string Axis::text(double tick) const {
  const double size = std::abs(tick), power = std::floor(std::log10(step) + 1e-9);
  if (size < step / 2) return "0";
  std::string text;
  if (power >= -5 && size < 1e9) {
    const int decimals = std::max(0, static_cast<int>(-power));
    text = fixed(size, decimals);
    group_thousands(text);
  } else {
    const int precision =
        std::clamp(static_cast<int>(std::ceil(std::log10(size / step))) + 1, 1, 15);
    text = general(size, precision);
  }
  return tick < 0 ? "\u2212" + text : text;
}

Axis exact_axis(double low, double high, int most, bool whole) {
  widen(low, high);
  const double step = round_step(high - low, most);
  return {low, high, whole ? std::max(1.0, step) : step};
}

Axis round_axis(double low, double high, int most) {
  if (low > 0 && low < high / 2) low = 0;
  widen(low, high);
  const double step = round_step(high - low, most);
  return {std::floor(low / step + 1e-6) * step, std::ceil(high / step - 1e-6) * step, step};
}

}  // namespace alx
