// Pictures in one folder per class. Internal to src/data.
#pragma once
#include <memory>
#include <string>

#include "data/dataset.h"

namespace alx {

// `parts`: its folders are the parts of a set.
std::unique_ptr<Dataset> open_folder_dataset(const std::string& dir, const std::string& part, bool parts,
                                             const Limits& limits);

}  // namespace alx
