// Linked into the bundle's programs and library: where ALEXNET_TEST_GPU is "simulated" they see
// tests/cudasim's machine, else this machine's own GPUs.
#include <cstdlib>
#include <string_view>

#include "cudasim/machine.h"

namespace {
const bool used = [] {
  const char* wanted = std::getenv("ALEXNET_TEST_GPU");
  const bool simulated = wanted && std::string_view(wanted) == "simulated";
  if (simulated) alx::cudnn::use_api(&alx::cudasim::api());
  return simulated;
}();
}  // namespace
