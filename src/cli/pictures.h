// What features, search and kernels share.
#pragma once
#include <string>

#include "graph/spec.h"

namespace alx::cli {

// What the last fully connected layer reads, before any dropout: the paper's 4096 numbers.
std::string feature_layer(const NetSpec& spec);

}  // namespace alx::cli
