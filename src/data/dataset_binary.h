// Sets in one or a few files: CIFAR-10 binary and idx.
#pragma once
#include <memory>
#include <string>

#include "data/dataset.h"

namespace alx {

// Null where `dir` holds no file of the kind. `part` is "train" or "test".
std::unique_ptr<Dataset> open_cifar_dataset(const std::string& dir, const std::string& part, const Limits& limits);
std::unique_ptr<Dataset> open_idx_dataset(const std::string& dir, const std::string& part, const Limits& limits);

}  // namespace alx
