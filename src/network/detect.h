// Which zoo network a weight file belongs to.
#pragma once
#include <string>

#include "weights/weights.h"

namespace alx {

// The zoo name: from the metadata, else by the names and shapes of the tensors. Throws bad_file
// where nothing fits. Networks that share all names and shapes cannot be told apart: the first of
// the zoo is taken, with a warning.
std::string guess_model(const WeightFile& file);

}  // namespace alx
