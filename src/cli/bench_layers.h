// `alexnet bench --layers`.
#pragma once
#include "cli/common.h"
#include "network/network.h"

namespace alx::cli {

// What each kernel of the network takes, by itself, and what share of the device's measured limit
// that is.
Exit bench_layers(Network& network, const NetSpec& spec, int64_t batch, double seconds, bool json);

}  // namespace alx::cli
