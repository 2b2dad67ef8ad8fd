// Convolution of 3 x 3 and 5 x 5 kernels by Winograd's minimal filtering: transforms of ours around
// batches of matrix products, one for each point of a tile. At AlexNet's sizes it takes 3.4 to 5.8
// times fewer multiplications than the direct sum.
#pragma once
#include "backends/onednn/chain.h"

namespace alx::onednn {

namespace winograd {
struct Tiles;
}

// Weights as inference reads them: transformed, a matrix (in, out) for each group and point. They
// cannot be read back.
class WinogradLayout : public Layout {
 public:
  WinogradLayout(const Conv& op, int64_t channels, const winograd::Tiles& tiles)
      : tiles_(tiles), groups_(op.groups), in_(channels / op.groups), out_(op.out / op.groups) {}
  bool equals(const Layout& other) const override;
  size_t bytes() const override;
  std::string name() const override { return "winograd"; }
  // from dense (out, in per group, kernel, kernel)
  void pack(const float* weights, float* packed) const;

 private:
  const winograd::Tiles& tiles_;
  int64_t groups_, in_, out_;
};

// Null where it does not apply or would not pay.
std::unique_ptr<Kernel> make_winograd(const Conv& op, const Context& context);

}  // namespace alx::onednn
