// The transforms of Winograd convolution, vectorised over channels and compiled for several
// instruction sets.
#pragma once
#include <cstdint>

namespace alx::onednn::winograd {

// A square window of a tensor whose channels lie in vectors. Places outside the bounds are read as
// zero, never written.
struct Window {
  int64_t row, pixel;            // distances in floats; negative ones turn the window round
  int64_t lanes, block;          // channel c lies at c / lanes * block + c % lanes
  int top, bottom, left, right;  // the rows [top, bottom) and columns [left, right) exist
};

// From a window to the points of a tile, point i at points + i * stride, and back. `channels` and
// the window's lanes are multiples of the vector: 8 floats with AVX2, 16 with AVX-512.
using ToPoints = void (*)(const float* window, const Window&, float* points, int64_t stride,
                          int64_t channels);
using FromPoints = void (*)(const float* points, int64_t stride, float* window, const Window&,
                            int64_t channels, const float* bias, bool relu);  // bias: null for none

// The names say what is transformed. Those of gradients are the transposed ones.
struct Tiles {
  int outputs, kernel, tile;  // M, R, M + R - 1
  ToPoints input, weight, output_grad;
  FromPoints output, weight_grad;
};

// F(4 x 4, 3 x 3), F(5 x 5, 3 x 3) and F(4 x 4, 5 x 5); null for others.
const Tiles* tiles_avx2(int outputs, int kernel);
const Tiles* tiles_avx512(int outputs, int kernel);

}  // namespace alx::onednn::winograd
