// The kinds of sets that Dataset::open() knows. Internal to src/data.
#pragma once
#include <memory>
#include <string>

#include "data/dataset.h"

namespace alx {

// Pictures in one folder per class. `parts`: its folders are the parts of a set. `part` is "train"
// or "test".
std::unique_ptr<Dataset> open_folder_dataset(const std::string& dir, const std::string& part,
                                             bool parts, const Limits& limits);
// In a tar archive, by the same rule as a folder of the same tree.
std::unique_ptr<Dataset> open_tar_dataset(const std::string& path, const std::string& part,
                                          const Limits& limits);

// In one or a few files, CIFAR-10 binary or idx. Null where `dir` holds neither.
std::unique_ptr<Dataset> open_binary_dataset(const std::string& dir, const std::string& part,
                                             const Limits& limits);

}  // namespace alx
