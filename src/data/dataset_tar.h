// Sets in a tar archive. Internal to src/data.
#pragma once
#include <memory>
#include <string>

#include "data/dataset.h"

namespace alx {

// By the same rule as a folder of the same tree.
std::unique_ptr<Dataset> open_tar_dataset(const std::string& path, const std::string& part, const Limits& limits);

}  // namespace alx
