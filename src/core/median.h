#pragma once
#include <algorithm>
#include <chrono>
#include <functional>
#include <vector>

namespace alx {

// Of one value at least.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// Of repetitions for this long; `run` returns the seconds that count of one. Two before warm up.
inline double median_seconds(double seconds, const std::function<double()>& run) {
  constexpr size_t least = 5;
  for (int i = 0; i < 2; ++i) run();
  std::vector<double> times;
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (times.size() < least || Clock::now() < end) times.push_back(run());
  return median(std::move(times));
}

}  // namespace alx
