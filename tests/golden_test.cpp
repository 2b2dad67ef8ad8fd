// Every network of the zoo against torch in float64: logits, losses, activations and gradients of golden/networks.
// The numbers come from golden/make_networks.py, which knows nothing of src/models.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "backends/registry.h"
#include "core/random.h"
#include "models/zoo.h"
#include "network/network.h"
#include "weights/weights.h"

namespace alx {
namespace {

using nlohmann::json;

constexpr int64_t batch = 2;

uint64_t mix64(uint64_t x) {  // the finaliser of SplitMix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

// The formula of make_networks.py.
void draw(const std::string& name, double bound, uint64_t first, std::span<float> out) {
  const uint64_t start = hash_name(name) + first;
  for (size_t i = 0; i < out.size(); ++i) {
    const double unit = static_cast<double>(mix64(start + i) >> 40) * 0x1p-24;
    out[i] = static_cast<float>((unit - 0.5) * 2 * bound);
  }
}

double norm(std::span<const float> values) {
  double sum = 0;
  for (float value : values) sum += double{value} * value;
  return std::sqrt(sum);
}

// max |difference| / max |wanted|
double difference(std::span<const float> got, std::span<const float> want) {
  double most = 0, largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double error = std::abs(double{got[i]} - want[i]);
    if (!(error <= most)) most = error;  // a NaN stays
    largest = std::max(largest, std::abs(double{want[i]}));
  }
  return most / largest;
}

class Golden {
 public:
  explicit Golden(const std::string& name)
      : file_(WeightFile::open(
            (std::filesystem::path(ALEXNET_TEST_DATA).parent_path() / "golden" / "networks" / (name + ".safetensors"))
                .string())),
        values_(json::parse(file_.metadata("golden"))) {}

  const json& at(const std::string& key) const { return values_.at(key); }
  const json& parameter(const std::string& name) const { return values_.at("parameters").at(name); }

  std::vector<float> logits() const {
    std::vector<float> values(static_cast<size_t>(element_count(file_.find("logits")->shape)));
    file_.read(*file_.find("logits"), values);
    return values;
  }

  WeightSource weights() const {
    return [this](const ParamSpec& param, int64_t rows, const PartSink& sink) {
      const json& golden = parameter(param.name);
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
    for (int64_t i = 0; i < batch; ++i) labels.push_back(static_cast<int32_t>(i * 37 % classes));
    network.set_labels(labels);
  }

 private:
  WeightFile file_;
  json values_;
};

double mean_loss(const Network& network) {
  const auto each = network.read("loss");
  double sum = 0;
  for (float loss : each) sum += loss;
  return sum / static_cast<double>(each.size());
}

class GoldenNetwork : public ::testing::TestWithParam<std::string> {
 protected:
  const Golden golden_{GetParam()};
  NetSpec spec_ = make_model(GetParam());
  const std::vector<std::shared_ptr<Backend>> devices_ = open_devices("cpu");
};

TEST_P(GoldenNetwork, ParametersHaveTheFormatsNamesAndShapes) {
  const auto params = params_of(spec_);
  EXPECT_EQ(params.size(), golden_.at("parameters").size());
  for (const ParamSpec& param : params) {
    ASSERT_TRUE(golden_.at("parameters").contains(param.name)) << param.name;
    EXPECT_EQ(param.shape, golden_.parameter(param.name).at("shape").get<Shape>()) << param.name;
  }
}

TEST_P(GoldenNetwork, InferenceGivesTorchsNumbers) {
  NetworkOptions options;
  options.batch = batch;
  options.loss = true;
  options.outputs = {spec_.logits};
  for (const auto& [layer, wanted] : golden_.at("activation_norms").items()) options.outputs.push_back(layer);
  Network network(spec_, devices_, options);
  network.load(golden_.weights());
  golden_.feed(network, spec_.classes);
  network.forward();
  EXPECT_LE(difference(network.read(spec_.logits), golden_.logits()), 1e-4);
  EXPECT_NEAR(mean_loss(network), golden_.at("loss").get<double>(), 1e-4);
  for (const auto& [layer, wanted] : golden_.at("activation_norms").items())
    EXPECT_NEAR(norm(network.read(layer)) / wanted.get<double>(), 1, 1e-5) << layer;
}

// Dropout neither drops nor scales here: the golden gradients are those of the other layers.
TEST_P(GoldenNetwork, TrainingGivesTorchsGradients) {
  for (Node& node : spec_.nodes)
    if (auto* dropout = std::get_if<Dropout>(&node.op)) dropout->drop = 0;
  NetworkOptions options;
  options.batch = batch;
  options.phase = Phase::training;
  Network network(spec_, devices_, options);
  network.load(golden_.weights());
  golden_.feed(network, spec_.classes);
  network.forward();
  EXPECT_NEAR(mean_loss(network), golden_.at("training_loss").get<double>(), 1e-4);
  network.backward();
  for (size_t i = 0; i < network.params().size(); ++i) {
    const std::string& name = network.params()[i].spec.name;
    const json& wanted = golden_.parameter(name);
    const auto gradient = network.read_gradient(i);
    EXPECT_NEAR(norm(gradient) / wanted.at("gradient_norm").get<double>(), 1, 1e-4) << name;
    std::vector<float> sampled;
    for (size_t index : wanted.at("index")) sampled.push_back(gradient.at(index));
    EXPECT_LE(difference(sampled, wanted.at("value").get<std::vector<float>>()), 1e-4) << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Zoo, GoldenNetwork, ::testing::ValuesIn(model_names()), [](const auto& instance) {
  std::string name = instance.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

}  // namespace
}  // namespace alx
