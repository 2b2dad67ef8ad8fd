// Local response normalisation (Lrn in graph/ops.h) of f32, forward and backward.
#pragma once
#include <cstdint>

#include "backends/vectors/target.h"
#include "graph/ops.h"

namespace alx::vectors {

// Images, channels last.
struct Planes {
  int64_t images, channels, height, width;
  int64_t row() const { return width * channels; }
};

// What is computed in one go by one thread: parts first to last - 1 of all.
struct LrnPass {
  const Lrn& op;
  const Planes& planes;
  bool backward = false;
  const float* x = nullptr;
  const float* dy = nullptr;  // backward alone
  float* out = nullptr;       // y, or dx; across channels it may be x, or dy
  int64_t parts() const;
  int64_t scratch() const;  // floats that run() works in

  void run(Target target, int64_t first, int64_t last, float* scratch) const;
};

}  // namespace alx::vectors
