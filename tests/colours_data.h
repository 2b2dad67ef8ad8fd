// Pictures that a network learns within a few steps.
#pragma once
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "data/dataset.h"

namespace alx {

// 12x12 pictures whose class is the brightest of their three colours, with noise.
class Colours : public Dataset {
 public:
  explicit Colours(int64_t size) : size_(size) { classes_ = {"red", "green", "blue"}; }
  int64_t size() const override { return size_; }
  int64_t label(int64_t i) const override { return i % 3; }
  std::string name(int64_t i) const override { return cat("colours[", i, "]"); }
  Image image(int64_t i, int64_t) const override {
    Image image{12, 12, std::vector<uint8_t>(12 * 12 * 3)};
    const Random random(9, 1, static_cast<uint64_t>(i));
    for (size_t p = 0; p < image.pixels.size(); ++p)
      image.pixels[p] = static_cast<uint8_t>(random.below(p, 128) +
                                             (static_cast<int64_t>(p % 3) == label(i) ? 100u : 0u));
    return image;
  }

 private:
  int64_t size_;
};

}  // namespace alx
