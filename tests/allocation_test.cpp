// A forward or training pass allocates nothing after the first. oneDNN itself keeps small maps of
// arguments for each primitive it runs, so for it the limit is a few hundred bytes a primitive, and
// no memory of a tensor's size. A batch of pictures that waits takes a byte a value.
#include <gtest/gtest.h>

#include "allocations.h"
#include "backends/registry.h"
#include "data/pipeline.h"
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

class BlackPictures final : public Dataset {
 public:
  static constexpr int64_t side = 64;
  int64_t size() const override { return 16; }
  int64_t label(int64_t) const override { return 0; }
  std::string name(int64_t) const override { return "black"; }
  Image image(int64_t, int64_t) const override { return black_image(side, side); }
};

TEST(Allocation, BatchesWaitAsBytes) {
  constexpr int64_t side = BlackPictures::side;
  InputSpec input;
  input.width = input.height = input.resize_size = side;
  PipelineOptions options;
  options.batch = 16;
  options.threads = 1;  // none decodes what another decodes just now
  options.queue = 4;
  allocated = 0;
  DataPipeline pipeline(std::make_shared<BlackPictures>(), std::make_shared<Preprocessor>(input),
                        options);
  Batch batch;
  for (int i = 0; i < 8; ++i) pipeline.next(batch);
  // The set in memory, four batches that wait, and one of floats.
  constexpr size_t bytes = 16 * 3 * side * side;
  EXPECT_LT(allocated, (1 + 4 + sizeof(float) + 1) * bytes);
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
