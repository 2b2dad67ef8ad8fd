#include "cli/pictures.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "core/error.h"
#include "core/path.h"
#include "data/dataset_folder.h"

namespace alx::cli {
namespace fs = std::filesystem;

std::vector<std::string> pictures_below(const std::string& folder) {
  std::vector<std::string> names;
  const fs::path root = to_path(folder);
  std::error_code error;
  fs::recursive_directory_iterator entry(root, error);
  for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
    const std::string name = to_utf8(entry->path().filename());
    std::error_code ignored;  // a dangling link is no folder
    const bool is_folder = entry->is_directory(ignored);
    if (name.starts_with('.')) {
      if (is_folder) entry.disable_recursion_pending();
    } else if (!is_folder && has_image_extension(name)) {
      names.push_back(to_utf8(entry->path().lexically_relative(root)));
    }
  }
  check(!error, Code::io, folder, ": the folder cannot be read to its end: ", reason(error));
  check(!names.empty(), Code::not_found, folder, ": there is no picture (.jpg, .jpeg, .png, .webp, .bmp) below it");
  std::sort(names.begin(), names.end());  // as bytes: char_traits compares them without sign
  return names;
}

std::string feature_layer(const NetSpec& spec) {
  const auto last = std::find_if(spec.nodes.rbegin(), spec.nodes.rend(),
                                 [](const Node& node) { return std::holds_alternative<Linear>(node.op); });
  check(last != spec.nodes.rend(), Code::invalid_argument, spec.id, " has no fully connected layer; give --layer");
  std::string name = last->inputs.front();
  for (const Node* node = spec.node(name); node && std::holds_alternative<Dropout>(node->op); node = spec.node(name))
    name = node->inputs.front();
  return name;
}

}  // namespace alx::cli
