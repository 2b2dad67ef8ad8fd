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

// A few steps of momentum SGD, each weight updated as soon as its gradient is whole.
inline Trained train(const NetSpec& spec, const std::string& devices, DataType precision = DataType::f32,
                     int steps = 3) {
  NetworkOptions options;
  options.batch = 4;
  options.phase = Phase::training;
  options.precision = precision;
  options.keep_gradients = false;
  Network net(spec, open_devices(devices, 1), options);
  net.load(drawn_weights(1));
  std::vector<std::shared_ptr<Buffer>> velocity;
  for (size_t i = 0; i < net.params().size(); ++i)
    velocity.push_back(net.device_of(i).allocate(net.params()[i].desc.bytes()));
  Trained result;
  for (int step = 0; step < steps; ++step) {
    net.set_input(picture(net, static_cast<uint64_t>(step), 1));
    net.set_labels(std::vector<int32_t>{1, 4, 3, 0});
    const StepContext context{.seed = 5, .step = static_cast<uint64_t>(step), .rate = 0.05f};
    net.forward(context);
    for (float loss : net.read("loss")) result.losses.push_back(loss);
    net.backward(context, [&](size_t i) {
      const size_t count = net.params()[i].desc.bytes() / sizeof(float);
      net.device_of(i).update({net.weight(i), velocity[i]->data(), net.gradient(i), count, 1, 0.9f, 5e-4f, true},
                              context);
    });
  }
  for (size_t i = 0; i < net.params().size(); ++i) result.weights.push_back(net.read_param(i));
  return result;
}

// As the trainer does it, at another rate in each step.
inline Trained train_in_replicas(const NetSpec& spec, const std::string& devices, DataType precision = DataType::f32,
                                 int steps = 5) {
  NetworkOptions options;
  options.batch = 4;
  options.phase = Phase::training;
  options.precision = precision;
  Replicas replicas(spec, open_devices(devices, 1), options, Recipe{});
  replicas.load(drawn_weights(1));
  replicas.loss_scale.factor = 1;
  Trained result;
  for (int step = 0; step < steps; ++step) {
    const StepContext context{
        .seed = 5, .step = static_cast<uint64_t>(step), .rate = 0.1f / static_cast<float>(1 + step)};
    replicas.forward(picture(replicas.network(), static_cast<uint64_t>(step), 1), std::vector<int32_t>{1, 4, 3, 0},
                     context);
    result.losses.resize(result.losses.size() + 4);
    replicas.read("loss", std::span(result.losses).last(4));
    EXPECT_TRUE(replicas.backward(context));
  }
  for (size_t i = 0; i < replicas.params().size(); ++i) result.weights.push_back(replicas.read_param(i));
  return result;
}

}  // namespace alx::test
