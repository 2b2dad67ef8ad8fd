// Networks against golden/networks: torch's numbers in float64, from golden/make_networks.py, which
// knows nothing of src/models.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/random.h"
#include "first_wrong.h"
#include "golden_folder.h"
#include "network/network.h"
#include "weights/weights.h"

namespace alx::test {

inline constexpr int64_t golden_batch = 2;

inline uint64_t mix64(uint64_t x) {  // the finaliser of SplitMix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// The formula of make_networks.py.
inline void draw(const std::string& name, double bound, uint64_t first, std::span<float> out) {
  const uint64_t start = hash_name(name) + first;
  for (size_t i = 0; i < out.size(); ++i) {
    const double unit = static_cast<double>(mix64(start + i) >> 40) * 0x1p-24;
    out[i] = static_cast<float>((unit - 0.5) * 2 * bound);
  }
}

inline double norm(std::span<const float> values) {
  double sum = 0;
  for (float value : values) sum += double{value} * value;
  return std::sqrt(sum);
}

class Golden {
 public:
  explicit Golden(const std::string& name)
      : file_(WeightFile::open((golden_folder() / "networks" / (name + ".safetensors")).string())),
        values_(nlohmann::json::parse(file_.metadata("golden"))) {}

  const nlohmann::json& at(const std::string& key) const { return values_.at(key); }
  const nlohmann::json& parameter(const std::string& name) const {
    return values_.at("parameters").at(name);
  }

  std::vector<float> logits() const {
    std::vector<float> values(static_cast<size_t>(element_count(file_.find("logits")->shape)));
    file_.read(*file_.find("logits"), values);
    return values;
  }

  WeightSource weights() const {
    return [this](const ParamSpec& param, int64_t rows, const PartSink& sink) {
      const nlohmann::json& golden = parameter(param.name);
      const int64_t row_size = element_count(param.shape) / param.shape[0];
      std::vector<float> part;
      for (int64_t row = 0; row < param.shape[0]; row += rows) {
        part.resize(static_cast<size_t>(std::min(rows, param.shape[0] - row) * row_size));
        draw(param.name, golden.at("bound"), static_cast<uint64_t>(row * row_size), part);
        sink(row, part);
      }
    };
  }

  void feed(Network& network, int64_t classes) const {
    std::vector<float> images(static_cast<size_t>(element_count(network.input_shape())));
    draw(at("data_name"), at("data_bound"), 0, images);
    network.set_input(images);
    std::vector<int32_t> labels;
    for (int64_t i = 0; i < golden_batch; ++i)
      labels.push_back(static_cast<int32_t>(i * 37 % classes));
    network.set_labels(labels);
  }

 private:
  WeightFile file_;
  nlohmann::json values_;
};

inline double mean_loss(const Network& network) {
  const auto each = network.read("loss");
  double sum = 0;
  for (float loss : each) sum += loss;
  return sum / static_cast<double>(each.size());
}

using Devices = std::vector<std::shared_ptr<Backend>>;

// How far a precision may be off: of the logits' largest and the loss, of a norm, of sampled
// gradients' largest.
struct Allowed {
  double answer = 1e-4, activation_norm = 1e-5, gradient_norm = 1e-4, gradient = 1e-4;
};

inline void expect_torchs_answers(const Golden& golden, const NetSpec& spec, const Devices& devices,
                                  Precision precision = Precision::fp32,
                                  const Allowed& allowed = {}) {
  NetworkOptions options;
  options.batch = golden_batch;
  options.precision = precision;
  options.loss = true;
  options.outputs = {spec.logits};
  for (const auto& [layer, wanted] : golden.at("activation_norms").items())
    options.outputs.push_back(layer);
  Network network(spec, devices, options);
  network.load(golden.weights());
  golden.feed(network, spec.classes);
  network.forward();
  EXPECT_EQ(first_wrong(network.read(spec.logits), golden.logits(), network.shape(spec.logits),
                        allowed.answer),
            "");
  EXPECT_NEAR(mean_loss(network), golden.at("loss").get<double>(), allowed.answer);
  for (const auto& [layer, wanted] : golden.at("activation_norms").items())
    EXPECT_NEAR(norm(network.read(layer)) / wanted.get<double>(), 1, allowed.activation_norm)
        << layer;
}

// Dropout neither drops nor scales here: the golden gradients are those of the other layers.
inline void expect_torchs_gradients(const Golden& golden, NetSpec spec, const Devices& devices,
                                    Precision precision = Precision::fp32,
                                    const Allowed& allowed = {}) {
  for (Node& node : spec.nodes)
    if (auto* dropout = std::get_if<Dropout>(&node.op)) dropout->drop = 0;
  NetworkOptions options;
  options.batch = golden_batch;
  options.precision = precision;
  options.phase = Phase::training;
  Network network(spec, devices, options);
  network.load(golden.weights());
  golden.feed(network, spec.classes);
  // small gradients would vanish
  const StepContext step{.loss_scale = precision == Precision::fp16 ? 1024.f : 1.f};
  network.forward(step);
  EXPECT_NEAR(mean_loss(network), golden.at("training_loss").get<double>(), allowed.answer);
  network.backward(step);
  for (size_t i = 0; i < network.params().size(); ++i) {
    const std::string& name = network.params()[i].spec.name;
    SCOPED_TRACE(name);
    const nlohmann::json& wanted = golden.parameter(name);
    const auto gradient = network.read_gradient(i);
    EXPECT_NEAR(norm(gradient) / step.loss_scale / wanted.at("gradient_norm").get<double>(), 1,
                allowed.gradient_norm);
    std::vector<float> sampled;
    for (size_t index : wanted.at("index")) sampled.push_back(gradient.at(index) / step.loss_scale);
    EXPECT_EQ(first_wrong(sampled, wanted.at("value").get<std::vector<float>>(),
                          {static_cast<int64_t>(sampled.size())}, allowed.gradient),
              "");
  }
}

}  // namespace alx::test
