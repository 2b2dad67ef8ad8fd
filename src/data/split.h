// A set in two: what is learned from, and a share of each class to measure by.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/dataset.h"

namespace alx {

struct SplitSet {
  std::shared_ptr<const Dataset> training, validation;  // each in the order of the whole set
  std::vector<std::string> undivided;  // classes of one picture, which is learned from
};

// Of each class the share, rounded, and at least one picture where it has two: which ones is drawn
// by the seed and goes by the labels alone. Throws invalid_argument where no class has two.
SplitSet split_set(const std::shared_ptr<const Dataset>& data, double share, uint64_t seed);

// How many pictures of the set are left to learn from then.
int64_t training_pictures(const Dataset& data, double share);

// How many pictures each class has.
std::vector<int64_t> pictures_by_class(const Dataset& data);

}  // namespace alx
