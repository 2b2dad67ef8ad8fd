// Pooling of f32, channels last: maxima and averages over windows, forward and backward.
#pragma once
#include <cstdint>
#include <vector>

#include "backends/pool_window.h"
#include "backends/vectors/target.h"

namespace alx::vectors {

// Where the windows of one image lie, and what they hold.
struct Pooling {
  bool max = true;
  int64_t channels = 0, width = 0;
  std::vector<PoolSpan> rows, columns;  // of the outputs
  // Of the inputs: the first output whose window holds it, and one beyond the last.
  struct Holders {
    int64_t first, last;
  };
  std::vector<Holders> holders_of_row, holders_of_column;
  bool count_padding = false;  // average: the divisor counts it

  int64_t row() const { return width * channels; }
  int64_t out_row() const { return static_cast<int64_t>(columns.size()) * channels; }
};

// Rows [first, last) of one image's output. `winners`: of each maximum its place in the window, or
// null.
void pool(Target target, const Pooling& pooling, const float* x, float* y, uint8_t* winners,
          int64_t first, int64_t last);
// Rows [first, last) of one image's gradient of the input.
void pool_gradient(Target target, const Pooling& pooling, const float* dy, const uint8_t* winners,
                   float* dx, int64_t first, int64_t last);

}  // namespace alx::vectors
