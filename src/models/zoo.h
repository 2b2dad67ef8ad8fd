// The networks of the AlexNet family, by name.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "graph/spec.h"

namespace alx {

struct ModelOptions {
  int64_t classes = 0, height = 0, width = 0;  // 0: the network's own
  // alexnet-2012 and its 6conv: alpha undivided, as the paper prints its formula
  bool printed_lrn = false;
};

// Throws not_found for a name that is not in the zoo, and invalid_argument with the sizes that work
// for one that does not. With another input size the picture is resized in proportion, so that the
// crop keeps its share of it.
NetSpec make_model(const std::string& name, const ModelOptions& options = {});

// The same of a network that is not of the zoo.
NetSpec adapted(const NetSpec& spec, const ModelOptions& options);

std::vector<std::string> model_names();
bool in_zoo(const std::string& name);

}  // namespace alx
