// From a decoded picture to the floats a network reads, exactly as its InputSpec says.
#pragma once
#include <span>
#include <vector>

#include "data/image.h"
#include "graph/spec.h"

namespace alx {

// Values of a mean image (3, size, size) in the channel order and scale of the InputSpec; empty where there is none.
struct MeanImage {
  int64_t size = 0;
  std::vector<float> values;
};

class Preprocessor {
 public:
  Preprocessor(const InputSpec& input, MeanImage mean = {});
  const InputSpec& input() const;

  // The picture resized as the spec says: what crops are taken from. Short side, squash, or untouched.
  Image prepare(const Image& image) const;

  // (3, height, width) floats of the window at (x, y) of a prepared image, mirrored where asked, into `out`.
  void window(const Image& prepared, int64_t x, int64_t y, bool mirror, std::span<float> out) const;

  // Centre crop; offsets rounded as torchvision's CenterCrop does.
  void center(const Image& prepared, std::span<float> out) const;

  // The paper's ten (section 4.1): four corners and centre of the centre square, then their mirror images, in that
  // order; `out` holds 10 images.
  void ten_crops(const Image& prepared, std::span<float> out) const;

 private:
  InputSpec input_;
  MeanImage mean_;
};

}  // namespace alx
