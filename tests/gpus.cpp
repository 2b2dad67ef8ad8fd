#include "gpus.h"

#include <cstdlib>

#include "backends/registry.h"
#ifdef ALEXNET_CUDASIM
#include "cudasim/machine.h"
#endif

namespace alx::test {

bool gpus_are_real() {
  const char* wanted = std::getenv("ALEXNET_TEST_GPU");
  return wanted && std::string(wanted) == "real";
}

void use_test_gpus() {
#ifdef ALEXNET_CUDASIM
  if (!gpus_are_real()) cudnn::use_api(&cudasim::api());
#endif
}

std::vector<std::string> gpu_violations() {
#ifdef ALEXNET_CUDASIM
  if (!gpus_are_real()) {
    std::vector<std::string> found = cudasim::violations();
    cudasim::reset();
    return found;
  }
#endif
  return {};
}

std::string two_gpus() {
  use_test_gpus();
  size_t usable = 0;
  for (const DeviceInfo& device : list_devices())
    usable += device.usable && device.name.starts_with("cuda:");
  return usable == 0 ? "" : usable == 1 ? "cuda:0,cuda:0" : "cuda:0,cuda:1";
}

}  // namespace alx::test
