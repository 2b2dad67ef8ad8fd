// Labelled pictures that a program has already.
#pragma once
#include <string>
#include <vector>

#include "data/dataset.h"

namespace alx {

class MemoryDataset final : public Dataset {
 public:
  explicit MemoryDataset(std::vector<std::string> classes);
  // Throws invalid_argument for a class that is none. Not while another thread reads.
  void add(Image image, int64_t label);

  int64_t size() const override { return static_cast<int64_t>(images_.size()); }
  int64_t label(int64_t i) const override { return labels_[static_cast<size_t>(i)]; }
  std::string name(int64_t i) const override;
  Image image(int64_t i, int64_t at_least) const override;

 private:
  std::vector<Image> images_;
  std::vector<int64_t> labels_;
};

}  // namespace alx
