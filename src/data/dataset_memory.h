// Labelled pictures that a program has already.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/error.h"
#include "data/dataset.h"

namespace alx {

class MemoryDataset final : public Dataset {
 public:
  explicit MemoryDataset(std::vector<std::string> classes) { classes_ = std::move(classes); }

  // Throws invalid_argument for a class that is none. Not while another thread reads.
  void add(Image image, int64_t label) {
    const auto count = static_cast<int64_t>(classes_.size());
    check(label >= 0 && label < count, Code::invalid_argument, "class_index must lie in 0..",
          count - 1, ", got ", label);
    // so that both grow, or neither
    if (images_.size() == images_.capacity()) images_.reserve(2 * images_.size() + 1);
    labels_.push_back(label);
    images_.push_back(std::move(image));
  }

  int64_t size() const override { return static_cast<int64_t>(images_.size()); }
  int64_t label(int64_t i) const override { return labels_[static_cast<size_t>(i)]; }
  std::string name(int64_t i) const override { return cat("picture ", i, " in memory"); }
  Image image(int64_t i, int64_t) const override { return images_[static_cast<size_t>(i)]; }

 private:
  std::vector<Image> images_;
  std::vector<int64_t> labels_;
};

}  // namespace alx
