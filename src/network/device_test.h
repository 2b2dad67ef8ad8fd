// Whether a device computes what it should, on this machine and in this build.
#pragma once
#include <string>

namespace alx {

// One training step of a small network, forward and backward, on `devices` and on the reference
// backend. Returns the largest relative difference of the answer and of any parameter's gradient
// (relative L2). Throws Error(device) where it is beyond rounding.
double test_device(const std::string& devices);

}  // namespace alx
