// The GPUs that tests run on: two simulated ones, or, where ALEXNET_TEST_GPU is "real", this
// machine's own.
#pragma once
#include <string>
#include <vector>

namespace alx::test {

// Before a device is listed or opened. Does nothing in a build without the GPU backend.
void use_test_gpus();
bool gpus_are_real();
std::vector<std::string> gpu_violations();  // what simulated GPUs complained of since the last call

// Devices for a network of two slots: "cuda:0,cuda:1", or "cuda:0,cuda:0" where there is one; ""
// without the backend.
std::string two_gpus();

}  // namespace alx::test
