#include "data/dataset_memory.h"

#include <utility>

#include "core/error.h"

namespace alx {

MemoryDataset::MemoryDataset(std::vector<std::string> classes) { classes_ = std::move(classes); }

void MemoryDataset::add(Image image, int64_t label) {
  const auto count = static_cast<int64_t>(classes_.size());
  check(label >= 0 && label < count, Code::invalid_argument, "class_index must lie in 0..", count - 1, ", got ", label);
  if (images_.size() == images_.capacity()) images_.reserve(2 * images_.size() + 1);  // so that both grow, or neither
  labels_.push_back(label);
  images_.push_back(std::move(image));
}

std::string MemoryDataset::name(int64_t i) const { return cat("picture ", i, " in memory"); }

Image MemoryDataset::image(int64_t i, int64_t) const { return images_[static_cast<size_t>(i)]; }

}  // namespace alx
