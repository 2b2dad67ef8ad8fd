// What planning makes of a graph: any names, any end, parts of layers, and runs of nodes as one
// kernel.
#include "plan/plan.h"

#include <gtest/gtest.h>

#include <numeric>

#include "core/error.h"
#include "refusal.h"
#include "runs_backend.h"
#include "tiny_training.h"
#include "train/hybrid.h"

namespace alx {
namespace {

using namespace test;

Linear dense(int64_t out) { return {out, Activation::none, models::he, models::bias(0.1f)}; }

// data -> (names[0], names[1]): two fully connected layers with dropout, joined, then the logits.
NetSpec two_branches(const std::string& first, const std::string& second) {
  NetSpec spec;
  spec.id = "branches";
  spec.classes = 5;
  spec.input.height = spec.input.width = 4;
  spec.nodes = {{first, dense(6), {data_name}},
                {"drop" + first, Dropout{}, {first}},
                {second, dense(6), {data_name}},
                {"drop" + second, Dropout{}, {second}},
                {"both", Concat{}, {"drop" + first, "drop" + second}},
                {"end", dense(5), {"both"}}};
  spec.logits = "end";
  return spec;
}

NetworkOptions training(std::vector<std::string> outputs = {}) {
  NetworkOptions options;
  options.batch = 4;
  options.phase = Phase::training;
  options.outputs = std::move(outputs);
  return options;
}

Answer answer_of(Network& net) {
  net.load(random_weights(1));
  net.set_input(picture(net, 1, 1));
  net.set_labels(std::vector<int32_t>{1, 4, 3, 0});
  const StepContext step{.seed = 5, .step = 2};
  net.forward(step);
  net.backward(step);
  Answer answer{std::vector<float>(static_cast<size_t>(4 * 5)), net.read("loss"), {}};
  net.read_result(answer.probabilities);
  for (size_t i = 0; i < net.params().size(); ++i) answer.gradients.push_back(net.read_gradient(i));
  return answer;
}

TEST(Names, WithSlashesAreNoPartsOfALayer) {
  const NetSpec spec = two_branches("b/x", "b/y");
  Network net(spec, open_devices("reference"), training({"dropb/x", "dropb/y"}));
  answer_of(net);
  ASSERT_EQ(net.params().size(), 6u);
  EXPECT_NE(net.read_param(0), net.read_param(2));
  const auto zeros = [&](const std::string& layer) {
    std::vector<bool> zero;
    for (float value : net.read(layer)) zero.push_back(value == 0);
    return zero;
  };
  EXPECT_NE(zeros("dropb/x"), zeros("dropb/y"));
  Replicas replicas(spec, open_devices("reference"), training(), Recipe{});
  EXPECT_EQ(replicas.params().size(), 6u);
}

TEST(Names, MayBeWhatPlanningUsedForItself) {
  for (const std::string& name :
       {std::string("prob"), std::string("x:slot1"), std::string("end:split")}) {
    NetSpec spec = two_branches(name, "y");
    spec.nodes[2].slot = 1;
    spec.nodes[3].slot = 1;
    Network plain(two_branches("x", "y"), open_devices("reference"), training());
    Network net(spec, open_devices("reference,reference"), training());
    const Answer expected = answer_of(plain), answer = answer_of(net);
    EXPECT_EQ(answer.gradients.size(), expected.gradients.size());
    EXPECT_EQ(answer.probabilities.size(), 20u);
  }
}

TEST(Ends, TakeTheSoftmaxThatEndsTheNetworkForTheLoss) {
  NetSpec bare = two_branches("x", "y"), ended = bare, gated = bare;
  ended.nodes.push_back({"answer", Softmax{}, {"end"}});
  Network without(bare, open_devices("reference"), training()),
      with(ended, open_devices("reference"), training());
  const Answer expected = answer_of(without), answer = answer_of(with);
  EXPECT_EQ(answer.probabilities, expected.probabilities);
  EXPECT_EQ(answer.gradients, expected.gradients);
  EXPECT_EQ(with.read("answer"), answer.probabilities);

  // One inside stays: its output still adds up to 1 in training, and what is behind it gets other
  // gradients.
  gated.nodes.insert(gated.nodes.begin() + 5, {"gate", Softmax{}, {"both"}});
  gated.nodes.back().inputs = {"gate"};
  Network inside(gated, open_devices("reference"), training({"gate"}));
  const Answer other = answer_of(inside);
  EXPECT_NE(other.gradients, expected.gradients);
  const std::vector<float> gate = inside.read("gate");
  EXPECT_NEAR(std::accumulate(gate.begin(), gate.begin() + 12, 0.0), 1, 1e-5);
}

TEST(Ends, ALossNeedsLogits) {
  NetSpec spec = two_branches("x", "y");
  spec.logits.clear();
  EXPECT_THROW(Network(spec, open_devices("reference"), training()), Error);
}

TEST(Sums, OfAValueWithItselfDoubleItAndItsGradient) {
  NetSpec twice = two_branches("x", "y"), scaled = twice;
  twice.nodes.insert(twice.nodes.begin() + 5, {"sum", Add{}, {"both", "both"}});
  twice.nodes.back().inputs = {"sum"};
  for (const char* device : {"reference", "cpu"}) {
    Network plain(two_branches("x", "y"), open_devices(device), training({"both"}));
    Network net(twice, open_devices(device), training({"sum", "both"}));
    answer_of(plain);
    answer_of(net);
    const std::vector<float> sum = net.read("sum"), both = net.read("both");
    for (size_t i = 0; i < sum.size(); ++i) EXPECT_EQ(sum[i], 2 * both[i]);
    EXPECT_EQ(both, plain.read("both"));
  }
}

// Dropout before the convolutions' end: each device masks its own part of the batch.
TEST(Hybrid, DrawsForTheImagesThatItSees) {
  NetSpec spec;
  spec.id = "column";
  spec.classes = 5;
  spec.input.height = spec.input.width = 6;
  spec.nodes = {{"conv", conv3x3(4), {data_name}}, {"drop", Dropout{}, {"conv"}},
                {"relu", Relu{}, {"drop"}},        {"fc", dense(8), {"relu"}},
                {"fc_relu", Relu{}, {"fc"}},       {"fc_drop", Dropout{}, {"fc_relu"}},
                {"end", dense(5), {"fc_drop"}}};
  spec.logits = "end";
  const Trained one = train(spec, "reference", Precision::fp32, 2);
  const Trained two = train(hybrid(spec, 2), "reference,reference", Precision::fp32, 2);
  EXPECT_EQ(std::vector(one.losses.begin(), one.losses.begin() + 4),
            std::vector(two.losses.begin(), two.losses.begin() + 4));
  ASSERT_EQ(one.weights.size(), two.weights.size());
  for (size_t i = 0; i < one.weights.size(); ++i)
    EXPECT_LT(relative_error(two.weights[i], one.weights[i]), 1e-5);
}

TEST(Hybrid, NamesItsNodesBesideAnyOthers) {
  NetSpec spec = two_branches("x", "y");
  spec.nodes = {{"conv/0", conv3x3(4), {data_name}},
                {"conv", Relu{}, {"conv/0"}},
                {"end", dense(5), {"conv"}}};
  const NetSpec made = hybrid(spec, 2);
  EXPECT_NO_THROW(infer_shapes(made, 4));
  EXPECT_EQ(made.slots(), 2u);
}

TEST(Runs, OfNodesAsOneKernelGiveTheSameBits) {
  std::vector<NetSpec> specs{two_branches("x", "y"), tiny_towers()};
  for (const char* name : {"alexnet-cifar10", "fig1-tanh"}) specs.push_back(small(name));
  for (const NetSpec& spec : specs) {
    const auto runs = std::make_shared<RunsBackend>();
    const std::vector<std::string> observed{spec.nodes[1].name};
    NetworkOptions options = training(observed);
    Network plain(spec, open_devices("reference"), options), net(spec, {runs}, options);
    plain.load(random_weights(1));
    for (Network* each : {&plain, &net}) {
      each->load(random_weights(1));
      each->set_input(picture(plain, 1, 1));
      each->set_labels(std::vector<int32_t>{1, 4, 3, 0});
      each->forward({.seed = 3, .step = 1});
      each->backward({.seed = 3, .step = 1});
    }
    EXPECT_EQ(net.read("loss"), plain.read("loss")) << spec.id;
    EXPECT_EQ(net.read(observed[0]), plain.read(observed[0])) << spec.id;
    for (size_t i = 0; i < net.params().size(); ++i)
      EXPECT_EQ(net.read_gradient(i), plain.read_gradient(i))
          << spec.id << " " << net.params()[i].spec.name;

    options.phase = Phase::inference;
    Network once(spec, open_devices("reference"), options), joined(spec, {runs}, options);
    for (Network* each : {&once, &joined}) {
      each->load(random_weights(1));
      each->set_input(picture(once, 2, 1));
      each->forward();
    }
    EXPECT_EQ(joined.read(joined.result()), once.read(once.result())) << spec.id;
    EXPECT_EQ(joined.read(observed[0]), once.read(observed[0])) << spec.id;
    EXPECT_GE(runs->longest, 2u) << spec.id;
  }
}

// Weights in I8 with a scale for each row, beside layers in f32: close to f32, and each row is its
// scale times whole numbers.
TEST(Precisions, DifferFromLayerToLayer) {
  const NetSpec spec = two_branches("x", "y");
  NetworkOptions options;
  options.batch = 4;
  const auto answer = [&](std::map<std::string, Precision> layers, Precision precision) {
    options.layer_precisions = std::move(layers);
    options.precision = precision;
    Network net(spec, open_devices("reference"), options);
    net.load(random_weights(1));
    net.set_input(picture(net, 1, 1));
    net.forward();
    std::vector<std::vector<float>> result{net.read(net.result())};
    for (size_t i = 0; i < net.params().size(); ++i) result.push_back(net.read_param(i));
    return result;
  };
  const auto single = answer({}, Precision::fp32),
             mixed = answer({{"y", Precision::int8}}, Precision::fp32);
  const auto whole = answer({{"end", Precision::fp32}}, Precision::int8);
  EXPECT_EQ(mixed[1], single[1]) << "x stays in f32";
  EXPECT_NE(mixed[3], single[3]);
  EXPECT_EQ(mixed[4], single[4]) << "a bias is f32";
  EXPECT_EQ(whole[5], single[5]) << "the end stays in f32";
  for (const auto* other : {&mixed, &whole}) {
    EXPECT_NE((*other)[0], single[0]);
    EXPECT_LT(relative_error((*other)[0], single[0]), 0.02);
  }
  for (size_t row = 0; row < 6; ++row) {
    const std::span<const float> exact(&single[3][row * 48], 48), kept(&mixed[3][row * 48], 48);
    float largest = 0;
    for (float value : exact) largest = std::max(largest, std::abs(value));
    for (size_t i = 0; i < 48; ++i)
      EXPECT_LE(std::abs(kept[i] - exact[i]), largest / 127 * 0.5001f);
  }
}

TEST(Precisions, ThatADeviceDoesNotTakeAreRefused) {
  const auto refusal = [](const char* device, Phase phase, Precision precision) {
    NetworkOptions options;
    options.phase = phase;
    options.precision = precision;
    try {
      Network(two_branches("x", "y"), open_devices(device), options);
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::unsupported);
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_TRUE(has(refusal("reference", Phase::inference, Precision::bf16),
                  "reference computes in fp32 or int8, not in bf16"));
  EXPECT_TRUE(has(refusal("reference", Phase::training, Precision::int8),
                  "reference trains in fp32, not in int8"));
  for (const DeviceInfo& device : list_devices())
    for (const Phase phase : {Phase::inference, Phase::training})
      for (const Precision precision : offered_precisions(phase)) {
        if (!device.usable) continue;
        const auto& taken = phase == Phase::training ? device.training : device.inference;
        const std::string text = refusal(device.name.c_str(), phase, precision);
        EXPECT_EQ(std::ranges::count(taken, precision) == 0, text.find(", not in ") != text.npos)
            << device.name << ": " << text;
      }
}

}  // namespace
}  // namespace alx
