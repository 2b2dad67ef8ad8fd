// Exact nearest neighbours by Euclidean distance, over rows that may lie in a mapped file.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/parallel_loop.h"

namespace alx {

struct Neighbour {
  int64_t index = 0;
  double distance = 0;
};

// The k rows nearest to the query, the nearest first, of equals the lower index first: what sums in
// double give. `rows` are F32, each as long as the query; no alignment is assumed. Throws bad_file
// where a row's distance is no finite number.
std::vector<Neighbour> nearest(std::span<const float> query, std::span<const std::byte> rows,
                               int64_t k, const ParallelLoop& loop);

}  // namespace alx
