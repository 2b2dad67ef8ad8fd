// Convolution by Winograd's minimal filtering: transforms of ours around products of ours, one for
// each point of a tile. At AlexNet's sizes it takes 3.4 to 5.8 times fewer multiplications than the
// direct sum.
#pragma once
#include <optional>

#include "backends/onednn/blocks.h"
#include "backends/onednn/stage.h"
#include "backends/onednn/winograd_weights.h"

namespace alx::onednn {

// How a convolution is computed.
struct WinogradForm {
  BlockWeights weights;
  std::optional<Blocks> blocks;  // that the picture is gathered into first
  Side in, out;                  // of the tiles
  int64_t top = 0, left = 0;     // padding that the tiles have
  const vectors::Tiles* tiles = nullptr;
};

}  // namespace alx::onednn
