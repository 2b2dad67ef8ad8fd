// One pass in float over all rows finds who can be among the nearest; those few are measured again
// in double.
#include "network/nearest.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "core/error.h"

namespace alx {
namespace {

// sums that run side by side, so that the loop becomes vector code
constexpr size_t lanes = 32;
// bytes: the pass waits for memory alone, so memory is asked for early
constexpr size_t line = 64, ahead = 2048;
// Terms of one lane before it is added to a double. Each addition loses at most 2^-24 of the lane's
// sum, the difference and its square 3 * 2^-24: `slack` bounds all of it.
constexpr size_t terms = 64;
constexpr double slack = 1e-5;
constexpr double smallest = 1e-30;  // of a square: below it float has no relative precision

double squared_distance(const float* query, const std::byte* row, size_t size) {
  double sum = 0;
  size_t i = 0;
  while (i + lanes <= size) {
    float part[lanes] = {}, x[lanes];
    const size_t end = std::min(i + lanes * terms, size / lanes * lanes);
    for (; i < end; i += lanes) {
      const std::byte* from = row + i * sizeof(float);
      for (size_t byte = 0; byte < sizeof x; byte += line) __builtin_prefetch(from + ahead + byte);
      std::memcpy(x, from, sizeof x);
      for (size_t lane = 0; lane < lanes; ++lane) {
        const float difference = query[i + lane] - x[lane];
        part[lane] += difference * difference;
      }
    }
    for (const float value : part) sum += value;
  }
  for (; i < size; ++i) {
    float x = 0;
    std::memcpy(&x, row + i * sizeof x, sizeof x);
    sum += (query[i] - x) * (query[i] - x);
  }
  return sum;
}

double exact_distance(std::span<const float> query, const std::byte* row) {
  double sum = 0;
  for (size_t i = 0; i < query.size(); ++i) {
    float x = 0;
    std::memcpy(&x, row + i * sizeof x, sizeof x);
    const double difference = static_cast<double>(query[i]) - static_cast<double>(x);
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

}  // namespace

std::vector<Neighbour> nearest(std::span<const float> query, std::span<const std::byte> rows,
                               int64_t k, const ParallelLoop& loop) {
  const size_t row_bytes = query.size_bytes();
  check(row_bytes > 0 && rows.size() % row_bytes == 0, Code::invalid_argument, rows.size(),
        " bytes are no whole count of rows of ", query.size(), " numbers");
  const size_t count = rows.size() / row_bytes;
  std::vector<double> squares(count);
  const auto parts = std::clamp<size_t>(count, 1, static_cast<size_t>(loop.threads()));
  loop(static_cast<int64_t>(parts), [&](int64_t at) {
    const auto part = static_cast<size_t>(at);
    for (size_t i = count * part / parts; i < count * (part + 1) / parts; ++i)
      squares[i] = squared_distance(query.data(), rows.data() + i * row_bytes, query.size());
  });
  const auto wrong =
      std::find_if(squares.begin(), squares.end(), [](double d) { return !std::isfinite(d); });
  check(wrong == squares.end(), Code::bad_file, "row ", wrong - squares.begin(),
        " has no finite distance from the query: one of them holds values that are not numbers, or "
        "huge ones");

  const auto kept = static_cast<size_t>(std::clamp<int64_t>(k, 0, static_cast<int64_t>(count)));
  if (kept == 0) return {};
  std::vector<double> order = squares;
  std::nth_element(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(kept - 1),
                   order.end());
  const double bound =
      order[kept - 1] * (1 + 4 * slack) + smallest * static_cast<double>(query.size());
  std::vector<Neighbour> found;
  for (size_t i = 0; i < count; ++i)
    if (squares[i] <= bound)
      found.push_back(
          {static_cast<int64_t>(i), exact_distance(query, rows.data() + i * row_bytes)});
  std::sort(found.begin(), found.end(), [](const Neighbour& a, const Neighbour& b) {
    return a.distance != b.distance ? a.distance < b.distance : a.index < b.index;
  });
  found.resize(kept);
  return found;
}

}  // namespace alx
