#include "cli/pictures.h"

#include <algorithm>

#include "core/error.h"

namespace alx::cli {

std::string feature_layer(const NetSpec& spec) {
  const auto last =
      std::find_if(spec.nodes.rbegin(), spec.nodes.rend(), [](const Node& node) { return facts_of(node.op).dense; });
  check(last != spec.nodes.rend(), Code::invalid_argument, spec.id, " has no fully connected layer; give --layer");
  std::string name = last->inputs.front();
  for (const Node* node = spec.node(name); node && facts_of(node->op).random; node = spec.node(name))
    name = node->inputs.front();
  return name;
}

}  // namespace alx::cli
