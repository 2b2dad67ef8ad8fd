// Networks as wholes: every name of the zoo in both directions, placement, sharing, memory,
// determinism.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "backends/registry.h"
#include "core/error.h"
#include "core/random.h"
#include "gpus.h"
#include "models/zoo.h"
#include "network/named.h"
#include "network/network.h"
#include "networks.h"
#include "tiny_training.h"
#include "weights/spec_json.h"

namespace alx {
namespace {

using namespace test;

class EveryNetwork : public testing::TestWithParam<std::string> {};

void expect_trains_as_on_the_reference(const NetSpec& spec, const std::string& devices) {
  const Answer answer = train_once(spec, devices), reference = train_once(spec, "reference");
  EXPECT_LT(relative_error(answer.probabilities, reference.probabilities), 1e-4);
  EXPECT_LT(relative_error(answer.losses, reference.losses), 1e-4);
  const auto params = params_of(spec);
  ASSERT_EQ(answer.gradients.size(), params.size());
  for (size_t i = 0; i < params.size(); ++i)
    EXPECT_LT(relative_error(answer.gradients[i], reference.gradients[i]), 1e-3) << params[i].name;
}

TEST_P(EveryNetwork, TrainsOnTheCpuAsOnTheReference) {
  expect_trains_as_on_the_reference(small(GetParam()), "cpu");
}

TEST_P(EveryNetwork, TrainsOnGpusAsOnTheReference) {
  const std::string gpus = two_gpus();
  if (gpus.empty()) GTEST_SKIP() << "no GPU can be used";
  const NetSpec spec = small(GetParam());
  expect_trains_as_on_the_reference(spec, spec.slots() == 2 ? gpus : "cuda:0");
  EXPECT_EQ(gpu_violations(), std::vector<std::string>());
}

TEST_P(EveryNetwork, AnswersWithProbabilities) {
  const NetSpec spec = small(GetParam());
  NetworkOptions options;
  options.batch = 2;
  Network net(spec, open_devices("cpu", 2), options);
  net.load(random_weights(1));
  net.set_input(picture(net, 3, 1));
  net.forward();
  const std::vector<float> p = net.read(net.result());
  ASSERT_EQ(p.size(), 20u);
  for (int image = 0; image < 2; ++image) {
    double sum = 0;
    for (int i = 0; i < 10; ++i) sum += p[static_cast<size_t>(image * 10 + i)];
    EXPECT_NEAR(sum, 1, 1e-5);
  }
  const MemoryReport memory = net.memory();
  EXPECT_LT(memory.activations, memory.activations_unshared);
}

INSTANTIATE_TEST_SUITE_P(Zoo, EveryNetwork, testing::ValuesIn(model_names()),
                         [](const auto& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

TEST_P(EveryNetwork, TrainsFromAFileOfAnotherNameToTheSameBits) {
  const NetSpec own = small(GetParam());
  NetSpec renamed = own;
  renamed.id = "mine";
  const auto one_step = [](const NetSpec& spec) { return train(spec, "cpu", Precision::fp32, 1); };
  EXPECT_EQ(one_step(network_named(to_json(renamed, SpecPart::whole))), one_step(own));
}

TEST(Towers, OneDeviceAndTwoGiveTheSameBits) {
  for (const char* name : {"alexnet-2012", "alexnet-2012-6conv"})
    for (const char* device : {"cpu", "reference"}) {
      const NetSpec spec = small(name);
      const Answer one = train_once(spec, device),
                   two = train_once(spec, std::string(device) + "," + device);
      EXPECT_EQ(one.probabilities, two.probabilities) << name << " on " << device;
      EXPECT_EQ(one.losses, two.losses);
      for (size_t i = 0; i < one.gradients.size(); ++i)
        EXPECT_EQ(one.gradients[i], two.gradients[i]) << i;
    }
}

TEST(Towers, MayRunOnDevicesOfTwoKinds) {
  const NetSpec spec = small("alexnet-2012");
  const Answer mixed = train_once(spec, "cpu,reference"), reference = train_once(spec, "reference");
  EXPECT_LT(relative_error(mixed.probabilities, reference.probabilities), 1e-4);
}

TEST(Towers, MoreDevicesThanSlotsAreRefused) {
  EXPECT_THROW(train_once(small("alexnet-caffe"), "cpu,cpu"), Error);
  EXPECT_THROW(train_once(small("alexnet-2012"), "cpu,cpu,cpu"), Error);
}

TEST(SameAnswer, WhateverTheOtherImagesHold) {
  const NetSpec spec = small("alexnet-2012");
  NetworkOptions options;
  options.batch = 4;
  Network net(spec, open_devices("cpu", 2), options);
  net.load(random_weights(1));
  std::vector<float> images = picture(net, 3, 50);
  net.set_input(images);
  net.forward();
  const std::vector<float> before = net.read(net.result());
  std::fill(images.begin() + static_cast<std::ptrdiff_t>(images.size() / 4), images.end(), 1e3f);
  net.set_input(images);
  net.forward();
  const std::vector<float> after = net.read(net.result());
  EXPECT_TRUE(std::equal(before.begin(), before.begin() + 10, after.begin()));
}

TEST(Layers, AnyCanBeObserved) {
  const NetSpec spec = small("alexnet");
  NetworkOptions options;
  options.outputs = {"fc7", "conv1", "features.0", "pool5"};
  Network cpu(spec, open_devices("cpu", 2), options),
      reference(spec, open_devices("reference"), options);
  for (Network* net : {&cpu, &reference}) {
    net->load(random_weights(1));
    net->set_input(picture(*net, 3, 1));
    net->forward();
  }
  EXPECT_EQ(cpu.read("fc7").size(), 4096u);
  for (const std::string& name : options.outputs)
    EXPECT_LT(relative_error(cpu.read(name), reference.read(name)), 1e-4) << name;
  // features.0 is the bare convolution, conv1 what its ReLU gives.
  const std::vector<float> bare = cpu.read("features.0");
  EXPECT_LT(*std::min_element(bare.begin(), bare.end()), 0);
  const std::vector<float> rectified = cpu.read("conv1");
  EXPECT_GE(*std::min_element(rectified.begin(), rectified.end()), 0);
  EXPECT_THROW(cpu.read("fc6"), Error);
}

TEST(Weights, ArePackedOnceForAllNetworksOfAModel) {
  const NetSpec spec = small("alexnet-cifar10");
  SharedWeights shared;
  int reads = 0;
  const WeightSource drawn = random_weights(1);
  const WeightSource counted = [&](const ParamSpec& param, int64_t rows, const PartSink& sink) {
    ++reads;
    drawn(param, rows, sink);
  };
  const auto make = [&] {
    auto net = std::make_unique<Network>(spec, open_devices("cpu", 1), NetworkOptions{});
    net->load(counted, &shared);
    return net;
  };
  const auto first = make(), second = make();
  EXPECT_EQ(reads, static_cast<int>(params_of(spec).size()));
  EXPECT_EQ(first->weight(0), second->weight(0));
}

TEST(Weights, SurviveTheTripThroughPackedForm) {
  for (const std::string& name : model_names()) {
    const NetSpec spec = small(name);
    NetworkOptions options;
    options.phase = Phase::training;
    Network net(spec, open_devices("cpu", 1), options),
        plain(spec, open_devices("reference"), options);
    net.load(random_weights(3));
    plain.load(random_weights(3));
    for (size_t i = 0; i < net.params().size(); ++i)
      EXPECT_EQ(net.read_param(i), plain.read_param(i)) << net.params()[i].spec.name;
  }
}

TEST(Dropout, DependsOnSeedAndStepAlone) {
  const NetSpec spec = small("alexnet-caffe");
  NetworkOptions options;
  options.batch = 2;
  options.phase = Phase::training;
  Network net(spec, open_devices("cpu", 1), options);
  net.load(random_weights(1));
  net.set_input(picture(net, 3, 50));
  net.set_labels(std::vector<int32_t>{0, 1});
  const auto loss_at = [&](uint64_t seed, uint64_t step) {
    net.forward({.seed = seed, .step = step});
    return net.read("loss");
  };
  const auto first = loss_at(1, 1);
  EXPECT_NE(first, loss_at(1, 2));
  EXPECT_NE(first, loss_at(2, 1));
  EXPECT_EQ(first, loss_at(1, 1));
}

}  // namespace
}  // namespace alx
