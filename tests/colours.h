// A set of pictures that is easily learnt, and a short training of a small network over it.
#pragma once
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "models/zoo.h"
#include "train/trainer.h"

namespace alx {

namespace fs = std::filesystem;

// 12x12 pictures whose class is the brightest of their three colours, with noise.
class Colours : public Dataset {
 public:
  explicit Colours(int64_t size, std::vector<std::string> classes = {"red", "green", "blue"})
      : size_(size) {
    classes_ = std::move(classes);
  }
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

inline NetSpec tiny() {
  ModelOptions options;
  options.classes = 3;
  options.height = options.width = 12;
  return make_model("alexnet-cifar10", options);
}

inline TrainOptions quick_run() {
  TrainOptions options;
  options.recipe = tiny().recipe;
  options.recipe.mean = Recipe::Mean::fixed;
  options.recipe.batch = 16;
  options.recipe.epochs = 2;
  options.recipe.rate = 0.01f;
  options.threads = 1;
  options.augment.pad = 1;
  return options;
}

// For Trainer::resume(): all as the checkpoint says.
inline TrainOptions as_written() {
  TrainOptions options;
  options.threads = 1;
  options.recipe.epochs = 0;
  return options;
}

inline std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace alx
