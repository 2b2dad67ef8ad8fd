// The backward pass of a convolution by tiles. No sum depends on how many threads there are.
#pragma once
#include <optional>

#include "backends/onednn/image_sums.h"
#include "backends/onednn/winograd.h"

namespace alx::onednn {

class WinogradGradient {
 public:
  WinogradGradient(const Runtime& runtime, const WinogradForm& form, const Tiling& forward,
                   int64_t images, Activation activation, bool wants_input_grad);

  int64_t workspace() const;  // floats
  void bind(const Binding& binding);
  void run(const Gradients& g) const;

 private:
  // Of the points' sums, and of the bias's behind them.
  int64_t sums() const { return forward_.in().groups * tiles().points() * matrix(); }
  int64_t matrix() const { return weights_.deep() * weights_.out; }
  const vectors::Tiles& tiles() const { return forward_.tiles(); }
  const Side& out() const { return forward_.out(); }

  // Sums of each part of the images where that moves less memory than all tiles' points.
  bool by_images() const {
    const int64_t points = images_ * forward_.tiles_of_image() * tiles().points() *
                           (forward_.in().pixel() + out().pixel());
    return form_.blocks || (forward_.few_weights() && 2 * parts() * sums() < points);
  }
  int64_t parts() const { return image_parts(images_); }
  int64_t images_at_once() const;
  int64_t part_floats() const { return whole_lines(sums() + out().pixel()); }

  void weights_by_images(const Gradients& g) const;
  void sum_images(const Gradients& g, int64_t first, int64_t last, float* sums) const;
  void add_tiles(const float* x, const float* dy, TileRange range, bool first, float* sums,
                 float* points) const;
  void weights_by_points(const Gradients& g) const;
  void multiply_point(const float* from, const float* grad, int64_t tile_count, bool add,
                      float* sums, float* bias, int64_t point) const;
  void finish_weights(const float* sums) const;
  void input_grad(const Gradients& g) const;
  void scattered_input_grad(const Gradients& g, const Tiling::Operands& operands) const;

  const Runtime& runtime_;
  const WinogradForm& form_;
  const BlockWeights& weights_;
  const Tiling& forward_;
  const int64_t images_;
  const Activation activation_;
  std::optional<Tiling> back_;  // from the output's gradient to the input's
  const float* weight_ = nullptr;
  float *weight_grad_ = nullptr, *bias_grad_ = nullptr, *workspace_ = nullptr;
};

}  // namespace alx::onednn
