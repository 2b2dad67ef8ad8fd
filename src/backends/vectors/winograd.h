// The transforms of Winograd convolution (winograd_matrices.h), by vectors of channels.
#pragma once
#include <cstdint>

#include "backends/vectors/target.h"

namespace alx::vectors {

// A square window of a tensor, channels last. Places outside the bounds are read as zero, never
// written.
struct Window {
  int64_t row, pixel;            // distances in floats; negative ones turn the window round
  int top, bottom, left, right;  // the rows [top, bottom) and columns [left, right) exist
};

// From a window to the points of a tile, point i at points + i * stride, and back. `channels` is a
// multiple of the vector.
using ToPoints = void (*)(const float* window, const Window&, float* points, int64_t stride,
                          int64_t channels);
using FromPoints = void (*)(const float* points, int64_t stride, float* window, const Window&,
                            int64_t channels, const float* bias, bool relu);  // bias: null for none

// F(outputs x outputs, kernel x kernel). The names say what is transformed; those of gradients are
// the transposed transforms.
struct Tiles {
  int outputs, kernel, tile;  // M, R, M + R - 1
  ToPoints input, weight, output_grad;
  FromPoints output, weight_grad;
  int points() const { return tile * tile; }
};

// F(4 x 4, 3 x 3), F(5 x 5, 3 x 3) and F(4 x 4, 5 x 5); null for others.
const Tiles* winograd_tiles(Target target, int outputs, int kernel);

}  // namespace alx::vectors
