// A forward or training pass allocates nothing after the first. oneDNN itself keeps small maps of
// arguments for each primitive it runs, so for it the limit is a few hundred bytes a primitive, and
// no memory of a tensor's size.
#include <gtest/gtest.h>

#include "allocations.h"
#include "backends/registry.h"
#include "models/zoo.h"
#include "network/network.h"

namespace alx {
namespace {

struct Count {
  size_t allocations, largest;
};

Count second_pass(const std::string& device, Phase phase) {
  NetworkOptions options;
  options.batch = 2;
  options.phase = phase;
  Network net(make_model("alexnet-cifar10"), open_devices(device, 1), options);
  net.load(random_weights(1));
  const std::vector<float> images(static_cast<size_t>(element_count(net.input_shape())), 0.5f);
  const std::vector<int32_t> labels{1, 2};
  std::vector<float> probabilities(20);
  Count count{};
  for (int pass = 0; pass < 2; ++pass) {
    allocations = largest = 0;
    net.set_input(images);
    if (phase == Phase::training) net.set_labels(labels);
    net.forward();
    if (phase == Phase::training) net.backward();
    net.read("prob", probabilities);
    count = {allocations, largest};
  }
  return count;
}

TEST(Allocation, NoneInTheReferencePasses) {
  EXPECT_EQ(second_pass("reference", Phase::inference).allocations, 0u);
  EXPECT_EQ(second_pass("reference", Phase::training).allocations, 0u);
}

TEST(Allocation, NoneOfATensorsSizeOnTheCpu) {
  for (Phase phase : {Phase::inference, Phase::training})
    EXPECT_LT(second_pass("cpu", phase).largest, 1024u);
}

TEST(Allocation, TheCounterCounts) {
  allocations = 0;
  delete new int(3);
  std::vector<float> values(1000);
  EXPECT_GE(allocations, 1u);
  EXPECT_GE(largest, 4000u);
}

}  // namespace
}  // namespace alx
