// Linked into the tests of GPUs: where real ones are asked for and none can be used, the program
// fails; no test of it may pass, or be left out, for want of a GPU.
#include <gtest/gtest.h>

#include <algorithm>

#include "backends/registry.h"
#include "gpus.h"

namespace alx::test {
namespace {

class Gpus : public testing::Environment {
 public:
  void SetUp() override {
    if (!gpus_are_real()) return;
    std::string reasons;
    for (const DeviceInfo& device : list_devices()) {
      if (!device.name.starts_with("cuda:")) continue;
      if (device.usable) return;
      reasons += device.name + ": " + device.reason + "; ";
    }
    FAIL() << "no GPU can be used: " << (reasons.empty() ? "this build lists none" : reasons);
  }
};

const testing::Environment* const demanded = testing::AddGlobalTestEnvironment(new Gpus);

}  // namespace
}  // namespace alx::test
