// What a run begins with: the pictures that it learns from, and what it tells of them.
#pragma once
#include <memory>
#include <vector>

#include "data/dataset.h"
#include "train/trainer.h"

namespace alx {

// The part of the pictures that is learned from. Where the options have a share for validation, the
// rest becomes options.validation, unless a set is there already.
std::shared_ptr<const Dataset> training_part(std::shared_ptr<const Dataset> data,
                                             TrainOptions& options);

// Lines of the log: how many pictures of how many classes there are, which classes have none, which
// pictures an epoch leaves over, and which of some that are looked into are broken.
void tell_of_data(const Dataset& data, const TrainOptions& options);

// For each class N / (K n): of N pictures in all and of K classes that have some, n its own; 1
// where it has none.
std::vector<float> balanced_weights(const Dataset& data);

}  // namespace alx
