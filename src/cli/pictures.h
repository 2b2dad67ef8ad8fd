// What features, search and kernels share.
#pragma once
#include <string>
#include <vector>

#include "graph/spec.h"

namespace alx::cli {

// Paths of the pictures below a folder, from that folder on, sorted by bytes; hidden ones are left out, links to
// folders are not followed. Throws where there are none.
std::vector<std::string> pictures_below(const std::string& folder);

// What the last fully connected layer reads, before any dropout: the paper's 4096 numbers.
std::string feature_layer(const NetSpec& spec);

}  // namespace alx::cli
