// Weights of convolutions as tiles read them. A convolution with stride s is one of stride 1 over
// blocks of s x s pixels, whose pixels stand side by side as channels: of 11 x 11 kernels with
// stride 4 become 3 x 3 ones over 48 channels.
#pragma once
#include "backends/onednn/own_layout.h"
#include "backends/onednn/tiling.h"

namespace alx::onednn {

// Order in training: kernel row, kernel column (both of blocks), group, channel of a block, output
// channel; zero where a block hangs over the kernel.
struct BlockWeights {
  int64_t kernel, stride, reach;  // reach: the kernel's side in blocks, as the tiles have it
  int64_t groups, in, out;        // channels of a group

  int64_t deep() const { return stride * stride * in; }
  int64_t pixel() const { return groups * deep() * out; }
  int64_t floats() const { return reach * reach * pixel(); }
  bool operator==(const BlockWeights&) const = default;

  // visit(index in dense (out, in, kernel, kernel), index here)
  template <class Visit>
  void each(Visit visit) const;

  void from_dense(const float* dense, float* weights) const;
  void to_dense(const float* weights, float* dense) const;
  void clear_overhang(float* weights) const;
  // (kernel row, kernel column, group, output channel, channel of a block padded to `padded`): as
  // the gradient of the input reads them. The kernel's place `from` alone, of reach * reach *
  // groups, to the place `to`.
  void transpose(const float* weights, int64_t padded, float* turned, int64_t from,
                 int64_t to) const;
};

// Rows [first, last) of all groups' input channels to their points; weights as in training. turned:
// the kernel is read from its last weight to its first.
void weights_to_points(const WeightPoints& to, int64_t reach, bool turned, const float* weights,
                       float* points, int64_t first, int64_t last);

// As training keeps them.
class BlockLayout final : public OwnLayout {
 public:
  explicit BlockLayout(const BlockWeights& weights) : weights_(weights) {}
  bool equals(const Layout& other) const override;
  size_t bytes() const override { return bytes_of(weights_.floats()); }
  std::string name() const override { return "blocks"; }
  void pack(const float* rows, int64_t first, int64_t count, float* packed,
            const ParallelLoop& loop) const override;
  void unpack(const float* packed, float* dense) const override;

 private:
  const BlockWeights weights_;
};

// As inference reads them: transformed. They cannot be read back.
class PointsLayout final : public OwnLayout {
 public:
  PointsLayout(const BlockWeights& weights, const WeightPoints& points)
      : weights_(weights), points_(points) {}
  bool equals(const Layout& other) const override;
  size_t bytes() const override { return bytes_of(points_.floats()); }
  std::string name() const override { return "winograd"; }
  void pack(const float* rows, int64_t first, int64_t count, float* packed,
            const ParallelLoop& loop) const override;
  bool can_unpack() const override { return false; }
  void unpack(const float*, float*) const override {}

 private:
  const BlockWeights weights_;
  const WeightPoints points_;
};

}  // namespace alx::onednn
