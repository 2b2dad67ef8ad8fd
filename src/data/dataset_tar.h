// Sets in a tar archive. Internal to src/data.
#pragma once
#include <memory>
#include <string>

#include "data/dataset.h"

namespace alx {

// CLASS/NAME.jpg and so on, with any folders before; where a member lies in a folder called train or test (or val) with
// its class, only those of `part` count.
std::unique_ptr<Dataset> open_tar_dataset(const std::string& path, const std::string& part);

}  // namespace alx
