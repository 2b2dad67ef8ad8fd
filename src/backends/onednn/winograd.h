// Convolution by Winograd's minimal filtering: transforms of ours around products of ours, one for
// each point of a tile. At AlexNet's sizes it takes 3.4 to 5.8 times fewer multiplications than the
// direct sum.
#pragma once
#include <optional>

#include "backends/onednn/stage.h"
#include "backends/onednn/winograd_weights.h"

namespace alx::onednn {

// A picture in blocks of stride x stride pixels, from the padding on, so many of them down and
// across; what lies outside is zero.
struct Blocks {
  int64_t stride, channels, height, width;  // of the picture
  int64_t top, left;                        // padding
  int64_t down, across, padded;             // padded: channels of a block, in whole vectors
  bool dense;                               // the picture's channels lie apart, not side by side

  int64_t floats() const { return down * across * padded; }
  // Rows [first, last) of blocks of one picture.
  void gather(const float* picture, float* blocks, int64_t first, int64_t last) const;
  void scatter(const float* blocks, float* picture) const;  // all of it

 private:
  template <class Visit>
  void each_run(int64_t first, int64_t last, Visit visit) const;
};

// How a convolution is computed.
struct WinogradForm {
  BlockWeights weights;
  std::optional<Blocks> blocks;  // that the picture is gathered into first
  Side in, out;                  // of the tiles
  int64_t top = 0, left = 0;     // padding that the tiles have
  const vectors::Tiles* tiles = nullptr;
};

}  // namespace alx::onednn
