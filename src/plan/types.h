// From the precision that is asked for to the types of each node.
#pragma once
#include "backends/backend.h"

namespace alx {

// Training keeps weights in f32; int8 is of the weights of convolutions and fully connected layers.
NodeTypes types_of(const Op& op, Precision precision, Phase phase);

// Throws unsupported, and says what the device takes instead, where this one is not among it.
void check_takes(const std::string& device, const std::vector<Precision>& taken,
                 Precision precision, Phase phase);

}  // namespace alx
