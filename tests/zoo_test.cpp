// The networks of the zoo against published figures.
#include "models/zoo.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "refusal.h"

namespace alx {
namespace {

using Names = std::vector<std::string>;
using Floats = std::vector<float>;

struct Figures {
  int64_t parameters = 0, multiply_adds = 0;
  bool operator==(const Figures&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Figures& f) {
  return out << f.parameters << " parameters, " << f.multiply_adds << " multiply-adds";
}

// Of the layers whose name begins so: both towers together.
Figures figures(const NetSpec& spec, const std::string& prefix = "") {
  Figures sum;
  for (const LayerInfo& layer : layer_table(spec)) {
    if (layer.name.rfind(prefix, 0) != 0) continue;
    sum.parameters += layer.parameters;
    sum.multiply_adds += layer.multiply_adds;
  }
  return sum;
}

Shape shape(const NetSpec& spec, const std::string& node) { return infer_shapes(spec, 1).at(node); }

std::vector<std::string> param_names(const NetSpec& spec) {
  std::vector<std::string> names;
  for (const ParamSpec& param : params_of(spec)) names.push_back(param.name);
  return names;
}

const ParamSpec& param(const std::vector<ParamSpec>& params, const std::string& name) {
  for (const ParamSpec& p : params)
    if (p.name == name) return p;
  throw std::runtime_error("no parameter " + name);
}

const Figures conv1{34'944, 105'415'200}, conv2{307'456, 223'948'800}, conv3{885'120, 149'520'384},
    conv4{663'936, 112'140'288}, conv5{442'624, 74'760'192}, fc6{37'752'832, 37'748'736},
    fc7{16'781'312, 16'777'216}, fc8{4'097'000, 4'096'000}, paper_total{60'965'224, 724'406'816};

TEST(Zoo, FiguresOfThePapersNetworkAndItsGroupedForms) {
  for (const char* name : {"alexnet-2012", "alexnet-2012-original", "alexnet-caffe", "caffenet"}) {
    SCOPED_TRACE(name);
    const NetSpec spec = make_model(name);
    EXPECT_EQ(figures(spec), paper_total);
    const std::vector<std::pair<std::string, Figures>> layers = {
        {"conv1", conv1}, {"conv2", conv2}, {"conv3", conv3}, {"conv4", conv4},
        {"conv5", conv5}, {"fc6", fc6},     {"fc7", fc7},     {"fc8", fc8}};
    for (const auto& [layer, expected] : layers) EXPECT_EQ(figures(spec, layer), expected) << layer;
  }
}

TEST(Zoo, FiguresOfTorchvisions) {
  const NetSpec spec = make_model("alexnet");
  EXPECT_EQ(figures(spec), (Figures{61'100'840, 714'188'480}));
  std::map<std::string, Figures> found;
  for (const LayerInfo& layer : layer_table(spec))
    found[layer.name] = {layer.parameters, layer.multiply_adds};
  EXPECT_EQ(found["features.0"], (Figures{23'296, 70'276'800}));
  EXPECT_EQ(found["features.3"], (Figures{307'392, 223'948'800}));
  EXPECT_EQ(found["features.6"], (Figures{663'936, 112'140'288}));
  EXPECT_EQ(found["features.8"], (Figures{884'992, 149'520'384}));
  EXPECT_EQ(found["features.10"], (Figures{590'080, 99'680'256}));
  EXPECT_EQ(found["classifier.1"], fc6);
  EXPECT_EQ(found["classifier.4"], fc7);
  EXPECT_EQ(found["classifier.6"], fc8);
}

TEST(Zoo, FiguresOfTheOthers) {
  const Figures conv6{2 * (128 * 256 * 9 + 128), 2 * 128 * 256 * 9 * 36};
  const NetSpec six = make_model("alexnet-2012-6conv");
  EXPECT_EQ(figures(six, "conv6"), conv6);
  EXPECT_EQ(figures(six), (Figures{paper_total.parameters + conv6.parameters,
                                   paper_total.multiply_adds + conv6.multiply_adds}));
  const Figures small = figures(make_model("alexnet-cifar10"));
  EXPECT_EQ(small.parameters, 454'858);
  EXPECT_LE(small.multiply_adds, 15'000'000);
  EXPECT_EQ(figures(make_model("fig1-relu")), figures(make_model("fig1-tanh")));
  EXPECT_EQ(figures(make_model("convnet-18pct")), figures(make_model("fig1-relu")));
}

TEST(Zoo, EveryNameBuildsAtEveryBatch) {
  for (const std::string& name : model_names()) {
    SCOPED_TRACE(name);
    const NetSpec spec = make_model(name);
    EXPECT_EQ(spec.id, name);
    EXPECT_EQ(spec.nodes.back().name, "prob");
    EXPECT_TRUE(std::holds_alternative<Softmax>(spec.nodes.back().op));
    EXPECT_EQ(spec.nodes.back().inputs, std::vector<std::string>{spec.logits});
    for (int64_t batch : {1, 7}) {
      const auto shapes = infer_shapes(spec, batch);
      EXPECT_EQ(shapes.size(), spec.nodes.size());
      EXPECT_EQ(shapes.at("prob"), (Shape{batch, spec.classes}));
      for (const auto& [node, s] : shapes) EXPECT_EQ(s[0], batch) << node;
    }
    for (const auto& [alias, node] : spec.aliases) EXPECT_EQ(spec.at(alias).name, node);
    EXPECT_GE(spec.input.resize_size, std::max(spec.input.height, spec.input.width));
  }
}

TEST(Zoo, ParameterNamesAreTheFormat) {
  const std::vector<std::string> caffe = {
      "conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias", "conv3.weight", "conv3.bias",
      "conv4.weight", "conv4.bias", "conv5.weight", "conv5.bias", "fc6.weight",   "fc6.bias",
      "fc7.weight",   "fc7.bias",   "fc8.weight",   "fc8.bias"};
  EXPECT_EQ(param_names(make_model("alexnet-caffe")), caffe);
  EXPECT_EQ(param_names(make_model("caffenet")), caffe);
  EXPECT_EQ(param_names(make_model("alexnet")),
            (Names{"features.0.weight", "features.0.bias", "features.3.weight", "features.3.bias",
                   "features.6.weight", "features.6.bias", "features.8.weight", "features.8.bias",
                   "features.10.weight", "features.10.bias", "classifier.1.weight",
                   "classifier.1.bias", "classifier.4.weight", "classifier.4.bias",
                   "classifier.6.weight", "classifier.6.bias"}));
  std::set<std::string> towers{"fc8.weight", "fc8.bias"};
  for (const char* layer : {"conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7"})
    for (const char* end : {"a.weight", "a.bias", "b.weight", "b.bias"})
      towers.insert(std::string(layer) + end);
  for (const char* name : {"alexnet-2012", "alexnet-2012-original", "alexnet-2012-6conv"}) {
    const auto names = param_names(make_model(name));
    std::set<std::string> found(names.begin(), names.end());
    EXPECT_EQ(found.size(), names.size());
    for (const char* end : {"a.weight", "a.bias", "b.weight", "b.bias"})
      EXPECT_EQ(found.erase(std::string("conv6") + end),
                std::string(name) == "alexnet-2012-6conv" ? 1u : 0u);
    EXPECT_EQ(found, towers) << name;
  }
}

TEST(Zoo, ParameterShapesOfTheTowers) {
  const auto params = params_of(make_model("alexnet-2012"));
  EXPECT_EQ(param(params, "conv1a.weight").shape, (Shape{48, 3, 11, 11}));
  EXPECT_EQ(param(params, "conv2b.weight").shape, (Shape{128, 48, 5, 5}));
  EXPECT_EQ(param(params, "conv3a.weight").shape, (Shape{192, 256, 3, 3}));
  EXPECT_EQ(param(params, "conv4b.weight").shape, (Shape{192, 192, 3, 3}));
  EXPECT_EQ(param(params, "conv5a.weight").shape, (Shape{128, 192, 3, 3}));
  EXPECT_EQ(param(params, "fc6a.weight").shape, (Shape{2048, 9216}));
  EXPECT_EQ(param(params, "fc7b.weight").shape, (Shape{2048, 4096}));
  EXPECT_EQ(param(params, "fc8.weight").shape, (Shape{1000, 4096}));
}

void expect_start(const std::vector<ParamSpec>& params, const std::string& layer, float std,
                  float start) {
  const ParamSpec &weight = param(params, layer + ".weight"),
                  &bias = param(params, layer + ".bias");
  EXPECT_EQ(weight.rule.init.kind, Init::Kind::normal) << layer;
  EXPECT_EQ(weight.rule.init.value, std) << layer;
  EXPECT_EQ(bias.rule.init.value, start) << layer;
  EXPECT_EQ(weight.rule.rate, 1) << layer;
  EXPECT_EQ(weight.rule.decay, 1) << layer;
  EXPECT_EQ(bias.rule.rate, 2) << layer;
  EXPECT_EQ(bias.rule.decay, 0) << layer;
}

TEST(Zoo, EveryLayerStartsAsItsSourceSays) {
  const std::map<std::string, float> rising{{"conv1", 0.f}, {"conv2", 1.f}, {"conv3", 0.f},
                                            {"conv4", 1.f}, {"conv5", 1.f}, {"fc6", 1.f},
                                            {"fc7", 1.f}};
  const auto paper = params_of(make_model("alexnet-2012")),
             original = params_of(make_model("alexnet-2012-original")),
             alexnet = params_of(make_model("alexnet-caffe")),
             caffenet = params_of(make_model("caffenet"));
  for (const auto& [layer, start] : rising) {
    const bool late_conv = layer == "conv3" || layer == "conv4" || layer == "conv5",
               fc = layer[0] == 'f';
    for (const char* tower : {"a", "b"}) {
      expect_start(paper, layer + tower, 0.01f, start);
      expect_start(original, layer + tower, late_conv ? 0.03f : 0.01f, start);
    }
    expect_start(alexnet, layer, fc ? 0.005f : 0.01f, start * 0.1f);
    expect_start(caffenet, layer, fc ? 0.005f : 0.01f, start);
  }
  for (const auto* params : {&paper, &original, &alexnet, &caffenet})
    expect_start(*params, "fc8", 0.01f, 0);
  const auto six = params_of(make_model("alexnet-2012-6conv"));
  expect_start(six, "conv6a", 0.03f, 1);
  const auto torch = params_of(make_model("alexnet"));
  for (const char* name : {"features.0.weight", "features.0.bias"}) {
    const ParamRule rule = param(torch, name).rule;
    EXPECT_EQ(rule.init.kind, Init::Kind::uniform);
    EXPECT_FLOAT_EQ(rule.init.value, 1 / std::sqrt(3 * 11 * 11.0f));
    EXPECT_EQ(rule.rate, 1);
    EXPECT_EQ(rule.decay, 1);
  }
  EXPECT_FLOAT_EQ(param(torch, "classifier.1.weight").rule.init.value, 1 / 96.0f);
}

std::vector<std::string> order(const NetSpec& spec, const std::string& end) {
  std::vector<std::string> ops;
  for (const Node& node : spec.nodes) {
    ops.push_back(node.name);
    if (node.name == end) break;
  }
  return ops;
}

TEST(Zoo, OrderWithinTheBlocks) {
  EXPECT_EQ(order(make_model("alexnet-2012"), "pool1a"),
            (Names{"conv1a", "relu1a", "norm1a", "pool1a"}));
  EXPECT_EQ(order(make_model("alexnet-caffe"), "pool1"),
            (Names{"conv1", "relu1", "norm1", "pool1"}));
  EXPECT_EQ(order(make_model("caffenet"), "norm1"), (Names{"conv1", "relu1", "pool1", "norm1"}));
  EXPECT_EQ(order(make_model("alexnet-2012-original"), "pool2a"),
            (Names{"conv1a", "rnorm1a", "pool1a", "relu1a", "conv2a", "relu2a", "rnorm2a",
                   "cnorm2a", "pool2a"}));
}

TEST(Zoo, NormalisationAndDropoutOfEachSource) {
  const auto lrn = [](const NetSpec& spec, const char* node) {
    return std::get<Lrn>(spec.at(node).op);
  };
  const NetSpec paper = make_model("alexnet-2012"), original = make_model("alexnet-2012-original"),
                caffe = make_model("alexnet-caffe");
  EXPECT_FLOAT_EQ(lrn(paper, "norm1a").effective_alpha(), 2e-5f);
  EXPECT_EQ(lrn(paper, "norm1a").k, 2);
  EXPECT_FLOAT_EQ(lrn(original, "cnorm2b").effective_alpha(), 1e-3f / 25);
  EXPECT_EQ(lrn(original, "cnorm2b").k, 1);
  EXPECT_EQ(lrn(caffe, "norm2").k, 1);
  EXPECT_FLOAT_EQ(lrn(make_model("alexnet-2012", {0, 0, 0, true}), "norm2b").effective_alpha(),
                  1e-4f);
  EXPECT_TRUE(has(error_of([] { make_model("alexnet", {0, 0, 0, true}); }), "alexnet-2012"));
  const auto dropout = [](const NetSpec& spec, const char* node) {
    return std::get<Dropout>(spec.at(node).op);
  };
  EXPECT_FALSE(dropout(paper, "drop6a").inverted);
  EXPECT_FALSE(dropout(original, "drop7").inverted);
  EXPECT_TRUE(dropout(caffe, "drop6").inverted);
  EXPECT_TRUE(dropout(make_model("alexnet"), "classifier.0").inverted);
}

TEST(Zoo, ShapesOfTheOriginal) {
  const NetSpec spec = make_model("alexnet-2012-original");
  EXPECT_EQ(spec.input.height, 224);
  EXPECT_EQ(std::get<Conv>(spec.nodes.front().op).pad, (Pad{0, 0, 3, 3}));
  EXPECT_EQ(shape(spec, "conv1a"), (Shape{1, 48, 55, 55}));
  EXPECT_EQ(shape(spec, "pool1b"), (Shape{1, 48, 27, 27}));
  EXPECT_EQ(shape(spec, "conv3a_in"), (Shape{1, 256, 13, 13}));
  EXPECT_EQ(shape(spec, "relu5b"), (Shape{1, 128, 6, 6}));
  EXPECT_EQ(shape(spec, "fc7"), (Shape{1, 4096}));
  // 227 needs no zeros, 225 two rows of them: always as many positions as a size rounded up gives.
  EXPECT_EQ(shape(make_model("alexnet-2012-original", {0, 227, 225}), "conv1a"),
            (Shape{1, 48, 55, 55}));
}

TEST(Zoo, ShapesOfTheSixthConvolution) {
  const NetSpec spec = make_model("alexnet-2012-6conv");
  EXPECT_EQ(shape(spec, "conv6b_in"), (Shape{1, 256, 6, 6}));
  EXPECT_EQ(shape(spec, "conv6a"), (Shape{1, 128, 6, 6}));
  EXPECT_EQ(spec.at("conv6a").name, "relu_conv6a");
  EXPECT_EQ(shape(spec, "fc6b_in"), (Shape{1, 256, 6, 6}));
  EXPECT_EQ(spec.at("fc6a_in").inputs, (Names{"relu_conv6a", "relu_conv6b"}));
}

TEST(Zoo, TowersLieOnTwoSlots) {
  for (const char* name : {"alexnet-2012", "alexnet-2012-6conv", "alexnet-2012-original"}) {
    SCOPED_TRACE(name);
    const NetSpec spec = make_model(name);
    EXPECT_EQ(spec.slots(), 2u);
    std::map<std::string, size_t> slot{{"data", 0}};
    std::set<std::string> crossing;  // nodes with an input from the other slot
    for (const LayerInfo& layer : layer_table(spec)) slot[layer.name] = layer.slot;
    for (const Node& node : spec.nodes)
      for (const std::string& input : node.inputs)
        if (slot.at(input) != slot.at(node.name)) crossing.insert(node.name);
    for (const char* join : {"conv3a_in", "conv3b_in", "fc6a_in", "fc6b_in", "fc7a_in", "fc7b_in"})
      EXPECT_EQ(crossing.erase(join), 1u) << join;
    if (spec.find("conv6a") != nullptr) {
      for (const char* join : {"conv6a_in", "conv6b_in"})
        EXPECT_EQ(crossing.erase(join), 1u) << join;
    }
    EXPECT_EQ(crossing, (std::set<std::string>{"conv1b", "fc6", "fc7"}));
    EXPECT_EQ(slot.at("fc7b_in"), 1u);
    EXPECT_EQ(slot.at("relu4b"), 1u);
    EXPECT_EQ(slot.at("relu4a"), 0u);
    EXPECT_EQ(slot.at("fc8"), 0u);
  }
  for (const char* name :
       {"alexnet", "alexnet-caffe", "caffenet", "alexnet-cifar10", "fig1-relu", "convnet-18pct"})
    EXPECT_EQ(make_model(name).slots(), 1u) << name;
}

TEST(Zoo, Fc7MeansThe4096FeaturesOfThePaper) {
  const std::map<std::string, std::string> expected = {
      {"alexnet", "classifier.5"}, {"alexnet-caffe", "relu7"},    {"caffenet", "relu7"},
      {"alexnet-2012", "fc7"},     {"alexnet-2012-6conv", "fc7"}, {"alexnet-2012-original", "fc7"}};
  for (const auto& [name, node] : expected) {
    const NetSpec spec = make_model(name);
    EXPECT_EQ(spec.at("fc7").name, node) << name;
    EXPECT_EQ(shape(spec, node), (Shape{1, 4096})) << name;
    if (node != "fc7") continue;
    EXPECT_EQ(spec.at("fc7").inputs, (Names{"relu7a", "relu7b"})) << name;
  }
  const std::string text = error_of([] { make_model("alexnet").at("fc9"); }, Code::not_found);
  EXPECT_TRUE(has(text, "\"fc9\""));
  EXPECT_TRUE(has(text, "fc7 (classifier.5)"));
  EXPECT_EQ(make_model("alexnet").find("fc9"), nullptr);
}

TEST(Zoo, InputsOfEachSource) {
  const InputSpec caffe = make_model("caffenet").input, torch = make_model("alexnet").input,
                  paper = make_model("alexnet-2012").input;
  EXPECT_EQ(caffe.channel_order, "BGR");
  EXPECT_EQ(caffe.mean, (Floats{104, 117, 123}));
  EXPECT_EQ(caffe.resize, InputSpec::Resize::squash);
  EXPECT_EQ(caffe.height, 227);
  EXPECT_EQ(torch.height, 224);
  EXPECT_EQ(torch.scale, 1);
  EXPECT_EQ(torch.resize_size, 256);
  EXPECT_EQ(paper.channel_order, "RGB");
  EXPECT_EQ(paper.mean, (Floats{123, 117, 104}));
  EXPECT_EQ(paper.scale, 255);
}

TEST(Zoo, OtherSizesAndClasses) {
  for (const std::string& name : model_names()) {
    SCOPED_TRACE(name);
    const NetSpec spec = make_model(name, {17, 256, 320});
    EXPECT_EQ(shape(spec, spec.logits), (Shape{1, 17}));
    EXPECT_EQ(spec.input.height, 256);
    EXPECT_EQ(spec.input.width, 320);
    EXPECT_GE(spec.input.resize_size, 320);
  }
  EXPECT_EQ(shape(make_model("alexnet", {0, 448, 448}), "avgpool"), (Shape{1, 256, 6, 6}));
  EXPECT_EQ(make_model("alexnet", {0, 448, 448}).input.resize_size, 512);
  EXPECT_EQ(param(params_of(make_model("alexnet-caffe", {0, 128, 128})), "fc6.weight").shape,
            (Shape{4096, 256 * 3 * 3}));
}

// Each network's smallest size works, one less is refused by a text that names the smallest.
TEST(Zoo, SizesThatCannotWorkAreRefused) {
  std::map<std::string, int64_t> sides;
  for (const std::string& name : model_names()) {
    SCOPED_TRACE(name);
    const std::string refusal = error_of([&] { make_model(name, {0, 1, 1}); });
    const int64_t side = std::stoll(refusal.substr(refusal.find(" lie in ") + 8));
    sides[name] = side;
    EXPECT_NO_THROW(make_model(name, {0, side, side}));
    EXPECT_NO_THROW(make_model(name, {0, side, 0}));
    for (const ModelOptions& options :
         {ModelOptions{0, side - 1, side}, ModelOptions{0, 0, side - 1}, ModelOptions{0, -1, 0},
          ModelOptions{0, 16385, 0}}) {
      const std::string text = error_of([&] { make_model(name, options); });
      EXPECT_TRUE(has(text, cat(side, "..16384")));
      EXPECT_TRUE(has(text, name));
    }
  }
  EXPECT_EQ(sides["alexnet"], 63);
  EXPECT_EQ(sides["alexnet-2012-original"], 52);
  for (const char* name : {"alexnet-2012", "alexnet-2012-6conv", "caffenet", "alexnet-caffe"})
    EXPECT_EQ(sides[name], 55) << name;
  for (const char* name : {"alexnet-cifar10", "fig1-relu", "fig1-tanh", "convnet-18pct"})
    EXPECT_EQ(sides[name], 12) << name;
  EXPECT_NO_THROW(layer_table(make_model("alexnet-2012", {0, 16384, 16384})));
}

TEST(Zoo, WrongNamesAndCountsAreRefused) {
  const std::string text = error_of([] { make_model("alexnet-2013"); }, Code::not_found);
  EXPECT_TRUE(has(text, "alexnet-2013"));
  EXPECT_TRUE(has(text, "alexnet-2012-original"));
  EXPECT_TRUE(has(error_of([] { make_model("alexnet", {-3, 0, 0}); }), "-3 classes"));
  EXPECT_TRUE(has(error_of([] {
                    make_model("alexnet", {int64_t{1} << 40, 0, 0});
                  }),
                  "1 to 1048576"));
}

TEST(Zoo, TableHoldsWhatInfoPrints) {
  const NetSpec spec = make_model("alexnet-caffe");
  const auto table = layer_table(spec);
  const auto row = [&](const std::string& name) {
    for (const LayerInfo& layer : table)
      if (layer.name == name) return layer;
    throw std::runtime_error(name);
  };
  EXPECT_EQ(row("conv2").detail, "5x5 pad 2 groups 2");
  EXPECT_EQ(row("conv2").op, "conv");
  EXPECT_EQ(row("conv2").output, (Shape{1, 256, 27, 27}));
  EXPECT_EQ(row("conv2").bytes, 4 * (307'456 + 256 * 27 * 27));
  EXPECT_EQ(row("conv1").detail, "11x11 /4");
  EXPECT_EQ(row("pool5").detail, "3x3 /2 ceil");
  EXPECT_EQ(row("norm1").detail, "n 5 k 1 alpha 0.0001/n beta 0.75");
}

}  // namespace
}  // namespace alx
