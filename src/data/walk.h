// The one way in which folders are listed: for sets, and for single pictures below a folder.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "core/limits.h"
#include "data/set_tree.h"

namespace alx {

// Folders in `dir` that are not hidden, through links too, sorted by bytes.
std::vector<std::string> folders_in(const std::string& dir);

// All below `dir`, through links too; a link back to a folder around it is listed as one that
// cannot be followed. Of the first folders those that `skip` names are listed and not entered.
using SkipFolder = std::function<bool(const std::string& name)>;
std::vector<TreeEntry> walk_folder(const std::string& dir, const Limits& limits = {},
                                   const SkipFolder& skip = {});

// Paths of the pictures below a folder, from that folder on, sorted by bytes. What is left out is
// logged. Throws not_found where there are none.
std::vector<std::string> pictures_below(const std::string& dir, const Limits& limits = {});

}  // namespace alx
