// What a developer needs to know of a wrong tensor.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <span>
#include <string>

#include "core/error.h"
#include "core/number.h"
#include "graph/tensor.h"

namespace alx::test {

// Every tolerance is multiplied by ALEXNET_TEST_TOLERANCE: 0.1 shows how exact a device is, 0 how
// faults are told.
inline double tolerance_factor() {
  const char* text = std::getenv("ALEXNET_TEST_TOLERANCE");
  return text ? parse_number<double>(text).value_or(1) : 1;
}

inline std::string place_of(size_t index, const Shape& shape) {  // "[0, 1, 5, 7]"
  std::string text;
  for (size_t axis = shape.size(); axis-- > 0; index /= static_cast<size_t>(shape[axis]))
    text = cat(axis ? ", " : "[", index % static_cast<size_t>(shape[axis]), text);
  return text + "]";
}

// "" where no element is further off than `allowed` times the largest that is wanted; else the
// first that is, how many are, and which is furthest off.
inline std::string first_wrong(std::span<const float> got, std::span<const float> want,
                               const Shape& shape, double allowed) {
  if (got.size() != want.size()) return cat(got.size(), " elements instead of ", want.size());
  double largest = 0, most = -1;
  for (float value : want) largest = std::max(largest, std::abs(double{value}));
  const double bound = allowed * tolerance_factor() * (largest > 0 ? largest : 1);
  size_t wrong = 0, first = 0, furthest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    double error = std::abs(double{got[i]} - want[i]);
    if (!std::isfinite(error)) error = INFINITY;
    if (error <= bound) continue;
    if (wrong++ == 0) first = i;
    if (error > most) most = error, furthest = i;
  }
  if (wrong == 0) return "";
  const auto element = [&](size_t i) {
    return cat(place_of(i, shape), " is ", general(got[i], 9), " instead of ", general(want[i], 9));
  };
  return cat("of ", to_string(shape), " ", wrong, " elements of ", want.size(),
             " are wrong, first ", element(first), "; furthest off ", element(furthest),
             "; allowed ", general(bound, 3));
}

}  // namespace alx::test
