// The network that a file names.
#pragma once
#include <string>

namespace alx {

// The value of `alexnet.model`: "alexnet-2012/1", name and revision of the architecture.
struct ModelId {
  std::string name;
  int revision = 1;
};
std::string to_string(const ModelId& id);
// "NAME/REVISION", or "NAME" for revision 1; throws bad_file
ModelId parse_model_id(const std::string& text);

}  // namespace alx
