// A few steps of training of a small network, for comparisons.
#pragma once
#include "networks.h"
#include "tiny_towers.h"
#include "train/replicas.h"

namespace alx::test {

struct Trained {
  std::vector<float> losses;
  std::vector<std::vector<float>> weights;
  bool operator==(const Trained&) const = default;
};

// A few steps as the trainer makes them, each at another rate. `loss_scale`: no gradient may
// overflow with it.
inline Trained train(const NetSpec& spec, const std::string& devices,
                     Precision precision = Precision::fp32, int steps = 3, float loss_scale = 1) {
  NetworkOptions options;
  options.batch = 4;
  options.phase = Phase::training;
  options.precision = precision;
  Replicas replicas(spec, open_devices(devices, 1), options, Recipe{});
  replicas.load(random_weights(1));
  replicas.loss_scale.factor = loss_scale;
  Trained result;
  for (int step = 0; step < steps; ++step) {
    const StepContext context{.seed = 5,
                              .step = static_cast<uint64_t>(step),
                              .rate = 0.1f / static_cast<float>(1 + step)};
    std::vector<float> images;
    for (size_t i = 0; i < replicas.count(); ++i)
      std::ranges::copy(picture(replicas.network(), 10 * i + static_cast<uint64_t>(step), 1),
                        std::back_inserter(images));
    replicas.forward(images, std::vector<int32_t>{1, 4, 3, 0}, context);
    result.losses.resize(result.losses.size() + 4);
    replicas.read("loss", std::span(result.losses).last(4));
    EXPECT_TRUE(replicas.backward(context));
  }
  for (size_t i = 0; i < replicas.params().size(); ++i)
    result.weights.push_back(replicas.read_param(i));
  return result;
}

}  // namespace alx::test
