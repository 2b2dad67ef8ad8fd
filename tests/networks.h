// Networks of the zoo made small, run once, and their answers compared.
#pragma once
#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "backends/registry.h"
#include "core/random.h"
#include "models/zoo.h"
#include "network/network.h"

namespace alx::test {

inline NetSpec small(const std::string& name) {
  const NetSpec full = make_model(name);
  ModelOptions options;
  options.classes = 10;
  if (full.input.height > 64) options.height = options.width = 67;
  return make_model(name, options);
}

inline std::vector<float> picture(const Network& net, uint64_t stream, float scale) {
  const Random random(7, stream, 0);
  std::vector<float> values(static_cast<size_t>(element_count(net.input_shape())));
  for (size_t i = 0; i < values.size(); ++i) values[i] = scale * random.normal(i);
  return values;
}

struct Answer {
  std::vector<float> probabilities, losses;
  std::vector<std::vector<float>> gradients;
};

// A network in training with weights, pictures and labels of its own.
class OneStep {
 public:
  OneStep(const NetSpec& spec, const std::string& devices, int threads)
      : net_(spec, open_devices(devices, threads), options()) {
    net_.load(random_weights(1));
    net_.set_input(picture(net_, 1, spec.input.scale > 1 ? 60.f : 1.f));
    net_.set_labels(std::vector<int32_t>{1, 7, 3});
  }

  Answer run() {
    const StepContext step{.seed = 5, .step = 2};
    net_.forward(step);
    net_.backward(step);
    Answer answer{net_.read("prob"), net_.read("loss"), {}};
    for (size_t i = 0; i < net_.params().size(); ++i)
      answer.gradients.push_back(net_.read_gradient(i));
    return answer;
  }

 private:
  static NetworkOptions options() {
    NetworkOptions options;
    options.batch = 3;
    options.phase = Phase::training;
    return options;
  }
  Network net_;
};

inline Answer train_once(const NetSpec& spec, const std::string& devices, int threads = 1) {
  return OneStep(spec, devices, threads).run();
}

inline double l2(const std::vector<float>& a) {
  double sum = 0;
  for (float x : a) sum += static_cast<double>(x) * x;
  return std::sqrt(sum);
}

inline double relative_error(const std::vector<float>& got, const std::vector<float>& want) {
  std::vector<float> difference(got);
  for (size_t i = 0; i < got.size(); ++i) difference[i] -= want[i];
  return l2(difference) / std::max(l2(want), 1e-12);
}

}  // namespace alx::test
