// Pictures in one folder per class.
#pragma once
#include <memory>
#include <string>

#include "data/dataset.h"

namespace alx {

bool has_image_extension(const std::string& name);  // of a kind that decode_image reads

// Whether folders of this name are the parts of a set and not its classes, and whether such a one stands for `part`
// ("train" or "test").
bool is_part_name(const std::string& name);
bool means_part(const std::string& name, const std::string& part);

// Sub-folders of `dir` that may be classes, sorted by bytes: hidden ones are left out.
std::vector<std::string> class_folders(const std::string& dir);

std::unique_ptr<Dataset> open_folder_dataset(const std::string& dir, std::vector<std::string> classes);

}  // namespace alx
