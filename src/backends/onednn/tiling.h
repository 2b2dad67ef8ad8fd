// Winograd convolution of stride 1, channels last, tile by tile: to points, a product for each
// point, and back. A tile's numbers do not depend on which others are computed with it.
#pragma once
#include "backends/onednn/runtime.h"
#include "backends/vectors/product.h"
#include "backends/vectors/winograd.h"
#include "graph/tensor.h"

namespace alx::onednn {

// One end of a convolution: so many channels in each group, whole vectors of them.
struct Side {
  int64_t height, width, channels, groups;
  int64_t pixel() const { return groups * channels; }
  int64_t image() const { return height * width * pixel(); }
};

// Transformed weights: for each group and point a matrix (deep, columns), packed for products.
struct WeightPoints {
  const vectors::Tiles* tiles;
  vectors::Target target;
  int64_t groups, deep, columns;

  int64_t panel() const { return vectors::panel_width(target); }
  int64_t panels() const { return divide_up(columns, panel()); }
  int64_t matrix() const { return panels() * panel() * deep; }  // floats of one
  int64_t group() const { return tiles->points() * matrix(); }
  int64_t floats() const { return groups * group(); }
  bool operator==(const WeightPoints&) const = default;
};

// A run of tiles, counted through the images.
struct TileRange {
  int64_t first, last;
  int64_t count() const { return last - first; }
};

class Tiling {
 public:
  // deep: the channels of a group that hold something; the rest of in.channels is zero.
  Tiling(const Runtime& runtime, const vectors::Tiles& tiles, const Side& in, const Side& out,
         int64_t deep, int64_t top, int64_t left);

  const vectors::Tiles& tiles() const { return tiles_; }
  const Side& in() const { return in_; }
  const Side& out() const { return out_; }
  int64_t tiles_of_image() const { return down_ * across_; }

  // Few weights are worth their reading for so many tiles, whose points stay in the cache with
  // them.
  static constexpr int64_t tiles_in_cache = 33;

  const WeightPoints& weights() const { return weights_; }
  bool few_weights() const { return weights_.group() <= int64_t{3} << 17; }  // they stay in a cache

  struct Operands {
    const float* x;
    float* y;
    const float* weights;
    const float* bias;  // null for none
    bool relu;
  };
  // On this thread. scratch: run_scratch() floats for as many tiles.
  void run(const Operands& o, TileRange range, float* scratch) const;
  int64_t run_scratch(int64_t tiles) const;
  // By parts of tiles, or of channels where weights are many. workspace: parts_workspace() floats.
  void run_in_parts(const Operands& o, int64_t images, float* workspace) const;
  int64_t parts_workspace(int64_t images) const;

  // Windows of one group's input, or of its output, to the points of each tile: tile i of the range
  // at points + i * channels, point p `stride` further.
  void input_points(const float* x, int64_t group, TileRange range, float* points,
                    int64_t stride) const;
  void output_points(const float* dy, int64_t group, TileRange range, float* points,
                     int64_t stride) const;

 private:
  struct At {
    int64_t image, y, x;  // of the tile's first output
  };
  At place(int64_t tile) const;
  void products(const float* points, int64_t rows, const float* weights, int64_t columns,
                float* made) const;
  void to_outputs(const Operands& o, const float* made, int64_t group, TileRange range,
                  int64_t first_channel, int64_t channels) const;
  void run_by_channels(const Operands& o, int64_t rows, float* points) const;
  int64_t block() const;  // output channels of a part
  int64_t tiles_at_once() const;

  const Runtime& runtime_;
  const vectors::Tiles& tiles_;
  const Side in_, out_;
  const WeightPoints weights_;
  const int64_t top_, left_, down_, across_;
};

}  // namespace alx::onednn
