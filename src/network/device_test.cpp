#include "network/device_test.h"

#include <algorithm>
#include <cmath>

#include "backends/registry.h"
#include "core/error.h"
#include "core/random.h"
#include "models/zoo.h"
#include "network/network.h"

namespace alx {
namespace {

constexpr uint64_t seed = 1;

void run(Network& network) {
  std::vector<float> images(static_cast<size_t>(element_count(network.input_shape())));
  const Random random(seed, hash_name("device test"), 0);
  for (size_t i = 0; i < images.size(); ++i) images[i] = 2 * random.uniform(i) - 1;
  network.load(random_weights(seed));
  network.set_input(images);
  network.set_labels(std::vector<int32_t>{3, 7});
  network.forward({seed, 0});
  network.backward({seed, 0});
}

double relative_difference(const std::vector<float>& values, const std::vector<float>& expected) {
  double difference = 0, size = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    difference += std::pow(static_cast<double>(values[i]) - expected[i], 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(difference / std::max(size, 1e-30));
}

}  // namespace

double test_device(const std::string& devices) {
  const NetSpec spec = make_model("alexnet-cifar10");
  NetworkOptions options;
  options.batch = 2;
  options.phase = Phase::training;
  Network tested(spec, open_devices(devices), options),
      reference(spec, open_devices("reference"), options);
  run(tested);
  run(reference);
  double worst = relative_difference(tested.read("prob"), reference.read("prob"));
  std::string where = "the answer";
  for (size_t i = 0; i < tested.params().size(); ++i) {
    const double difference =
        relative_difference(tested.read_gradient(i), reference.read_gradient(i));
    if (difference <= worst) continue;
    worst = difference;
    where = "the gradient of " + tested.params()[i].spec.name;
  }
  // room for reduced-precision multiplication; fp32 stays below 1e-5
  constexpr double tolerance = 2e-3;
  check(worst <= tolerance, Code::device, "device ", devices, " computes wrong: ", where,
        " differs from the plain loops by ", worst, " (relative), more than ", tolerance);
  return worst;
}

}  // namespace alx
