// Which zoo network a weight file belongs to.
#pragma once
#include <string>

#include "weights/weights.h"

namespace alx {

// The value of `alexnet.model`: "alexnet-2012/1", name and revision of the architecture.
struct ModelId {
  std::string name;
  int revision = 1;
};
std::string to_string(const ModelId& id);
ModelId parse_model_id(const std::string& text);  // "NAME/REVISION", or "NAME" for revision 1; throws bad_file

// The zoo name: from the metadata, else by the names and shapes of the tensors. Throws bad_file where nothing fits.
// Networks that share all names and shapes cannot be told apart: the first of the zoo is taken, with a warning.
std::string guess_model(const WeightFile& file);

}  // namespace alx
