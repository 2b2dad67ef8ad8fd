// Hybrid parallelism: convolutions by images, fully connected layers by units, over everybody's
// images (Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks").
#pragma once
#include "graph/spec.h"

namespace alx {

// This network over so many slots. Each slot has the convolutional part of it, for its share of the
// batch, in nodes that are copies of the layer: the gradients of their parameters must be summed.
// The answers are gathered, and of each fully connected layer but the last, slot i has the i-th
// part; the last one is slot 0's. The network must be one column, its fully connected layers
// divisible by `slots`.
NetSpec hybrid(const NetSpec& spec, size_t slots);

}  // namespace alx
