// Networks as files: what is written is read back, and what cannot be a network is refused by its
// node.
#include <gtest/gtest.h>

#include <bit>
#include <nlohmann/json.hpp>
#include <random>

#include "golden_folder.h"
#include "network/named.h"
#include "networks.h"
#include "refusal.h"
#include "weights/json_text.h"
#include "weights/spec_json.h"
#include "weights_files.h"

namespace alx {
namespace {

std::string specs(const std::string& file) {
  return load(to_utf8(golden_folder().parent_path() / "specs" / file));
}
std::string written(const NetSpec& spec) { return to_json(spec, SpecPart::whole); }

NetSpec renamed(NetSpec spec) {
  spec.id = "mine";
  return spec;
}

// The n-th occurrence aside, as a person edits.
std::string edited(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return text.replace(at, from.size(), to);
}

void expect_same(const NetSpec& a, const NetSpec& b) {
  EXPECT_EQ(written(a), written(b));
  const auto one = layer_table(a), other = layer_table(b);
  ASSERT_EQ(one.size(), other.size());
  for (size_t i = 0; i < one.size(); ++i) {
    SCOPED_TRACE(one[i].name);
    EXPECT_EQ(one[i].name, other[i].name);
    EXPECT_EQ(one[i].detail, other[i].detail);
    EXPECT_EQ(one[i].output, other[i].output);
    EXPECT_EQ(one[i].parameters, other[i].parameters);
    EXPECT_EQ(one[i].slot, other[i].slot);
  }
  const auto params = params_of(a), others = params_of(b);
  ASSERT_EQ(params.size(), others.size());
  for (size_t i = 0; i < params.size(); ++i) {
    SCOPED_TRACE(params[i].name);
    EXPECT_EQ(params[i].name, others[i].name);
    EXPECT_EQ(params[i].shape, others[i].shape);
    EXPECT_EQ(params[i].rule, others[i].rule);
  }
}

class Zoo : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Networks, Zoo, testing::ValuesIn(model_names()), [](const auto& test) {
  std::string name = test.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST_P(Zoo, ComesBackFromItsFile) {
  const NetSpec own = make_model(GetParam());
  expect_same(network_named(written(own)), own);
  expect_same(network_named(written(own), {.classes = 7}), make_model(GetParam(), {.classes = 7}));
}

TEST_P(Zoo, IsKnownByItsFileAtAnySize) {
  const NetSpec own = make_model(GetParam());
  const int64_t side = own.input.height + 32;
  const NetSpec larger = network_named(written(own), {.height = side, .width = side});
  expect_same(larger, make_model(GetParam(), {.height = side, .width = side}));
}

TEST_P(Zoo, IsNotAnotherUnderItsName) {
  NetSpec other = make_model(GetParam());
  other.recipe.rate *= 2;
  EXPECT_TRUE(has(error_of([&] { network_named(written(other)); }, Code::bad_file),
                  "from which it differs in more than classes and input"));
}

TEST(SpecFile, TakesWhatIsNotSaidFromTheOpAndTheOrder) {
  const NetSpec spec = network_named(specs("small.json"));
  EXPECT_EQ(spec.id, "small");
  EXPECT_EQ(spec.labels, (std::vector<std::string>{"ant", "bee", "cat"}));
  EXPECT_EQ(spec.node("conv")->inputs, std::vector<std::string>{"data"});
  EXPECT_EQ(spec.node("relu")->inputs, std::vector<std::string>{"conv"});
  EXPECT_EQ(spec.find("features")->name, "pool");
  const Conv conv = std::get<Conv>(spec.node("conv")->op);
  EXPECT_EQ(conv.stride, 1);
  EXPECT_EQ(conv.groups, 1);
  const Lrn lrn = std::get<Lrn>(spec.node("norm")->op);
  EXPECT_EQ(lrn.k, 2.f);
  EXPECT_EQ(std::get<Linear>(spec.node("fc")->op).out, 3);
  EXPECT_EQ(spec.recipe.momentum, Recipe{}.momentum);
  expect_same(network_named(written(spec)), spec);
}

TEST(SpecFile, StartsFollowTheLayersBefore) {
  const auto deviation = [](const NetSpec& spec, const std::string& name) {
    for (const ParamSpec& param : params_of(spec))
      if (param.name == name) return param.rule.init.value;
    throw std::runtime_error(name);
  };
  const std::string whole = written(renamed(make_model("alexnet-cifar10")));
  EXPECT_FLOAT_EQ(deviation(network_named(whole), "conv4.weight"), std::sqrt(2.f / (96 * 9)));
  std::string without = whole;  // conv3 and its relu
  for (const char* node : {"conv3", "relu3"}) {
    const size_t at = without.find(cat("{\"name\":\"", node, '"'));
    without.erase(at, without.find('\n', at) + 1 - at);
  }
  without = edited(without, R"("conv3":"relu3",)", "");
  EXPECT_FLOAT_EQ(deviation(network_named(without), "conv4.weight"), std::sqrt(2.f / (64 * 9)));
}

TEST(SpecFile, TheClassesMayComeThroughAFlatten) {
  std::string text = edited(
      specs("small.json"),
      R"({"name":"fc","op":"linear","weight":"normal:0.01","bias":{"start":0,"rate":2,"decay":0}})",
      R"({"name":"last","op":"conv","kernel":1,"weight":"torch","bias":"torch"},
  {"name":"mean","op":"adaptive_avg_pool","out_h":1,"out_w":1},
  {"name":"fc","op":"flatten"})");
  EXPECT_EQ(std::get<Conv>(network_named(text).node("last")->op).out, 3);
  const NetSpec ten = network_named(text, {.classes = 10});
  EXPECT_EQ(std::get<Conv>(ten.node("last")->op).out, 10);
  EXPECT_EQ(infer_shapes(ten, 2).at("prob"), (Shape{2, 10}));
  EXPECT_TRUE(ten.labels.empty());
  expect_same(network_named(written(ten)), ten);
}

TEST(SpecFile, FloatsComeBackToTheBit) {
  std::mt19937 random(1);
  for (int i = 0; i < 200'000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<uint32_t>(random()));
    if (!std::isfinite(value)) continue;
    const std::string text = json_text::number(value);
    ASSERT_EQ(std::bit_cast<uint32_t>(nlohmann::json::parse(text).get<float>()),
              std::bit_cast<uint32_t>(value == 0 ? 0.f : value))
        << text;
  }
  EXPECT_EQ(json_text::number(0.485f), "0.485");
  EXPECT_EQ(json_text::number(255), "255");
  EXPECT_EQ(json_text::number(1e-4f), "0.0001");
}

TEST(SpecFile, RefusedByNode) {
  const std::string base = specs("small.json");
  for (const auto& entry : nlohmann::json::parse(specs("refused.json"))) {
    SCOPED_TRACE(entry.at("name").get<std::string>());
    const Code code = entry.at("code") == "unsupported" ? Code::unsupported : Code::bad_file;
    const std::string text = edited(base, entry.at("old"), entry.at("new"));
    const std::string why = error_of([&] { network_named(text); }, code);
    EXPECT_TRUE(has(why, entry.at("expect")));
    EXPECT_TRUE(why.starts_with("the network's spec"));
    EXPECT_LT(why.size(), 1000u);
  }
}

TEST(SpecFile, RefusedByCount) {
  const std::string base = specs("small.json");
  const std::string none = base.substr(0, base.find("[\n  {")) + "[]}";
  EXPECT_TRUE(has(error_of([&] { network_named(none); }, Code::bad_file), "no node is named"));
  std::string nodes;
  for (int i = 0; i < 4096; ++i) nodes += cat("{\"name\":\"n", i, "\",\"op\":\"relu\"},\n");
  const std::string where = "  {\"name\":\"norm\"";
  EXPECT_TRUE(
      has(error_of([&] { network_named(edited(base, where, nodes + where)); }, Code::unsupported),
          "4105 nodes are over the limit of 4096"));
  EXPECT_TRUE(
      has(error_of([&] { network_named(base + std::string(2 << 20, ' ')); }, Code::unsupported),
          "the limit of a network's spec"));
}

TEST(SpecFile, AFileIsReadAndNamedWhereItIsWrong) {
  const TempDir folder;
  const std::string path = folder.file("net.json");
  save(path, specs("small.json"));
  EXPECT_TRUE(names_network(path));
  EXPECT_EQ(network_named(path).id, "small");
  save(path, edited(specs("small.json"), R"("op":"relu")", R"("op":"gelu")"));
  EXPECT_TRUE(has(error_of([&] { network_named(path); }, Code::bad_file),
                  path + ": node \"relu\": no op is called \"gelu\""));
  save(path, std::string(8, '\1'));
  EXPECT_FALSE(names_network(path));
  EXPECT_TRUE(has(error_of([&] { network_named(path); }, Code::bad_file),
                  "is no network's spec, which begins with a brace"));
  error_of([&] { network_named(folder.file("none.json")); }, Code::not_found);
  EXPECT_TRUE(has(error_of([] { network_named("alexnett"); }, Code::not_found),
                  "no network is named \"alexnett\", and no file; there are: alexnet"));
}

TEST(SpecFile, AnotherSizeKeepsTheShareOfTheCrop) {
  const std::string text =
      edited(specs("small.json"), R"("height":16,"width":16)", R"("height":16,"width":32)");
  const std::string wide = edited(text, R"("size":16}})", R"("size":40}})");
  const auto resized = [&](int64_t height, int64_t width) {
    return network_named(wide, {.height = height, .width = width}).input.resize_size;
  };
  EXPECT_EQ(resized(0, 0), 40);
  EXPECT_EQ(resized(16, 32), 40);
  EXPECT_EQ(resized(64, 64), 80);
}

TEST(SpecFile, LongTextsAreCutInMessages) {
  const std::string base = specs("small.json"), name(600, 'x'), huge(1 << 20, 'x');
  const auto refusal = [&](const std::string& from, const std::string& to) {
    return error_of([&] { network_named(edited(base, from, to)); }, Code::bad_file);
  };
  for (const char* from : {R"("logits":"fc")", R"("inputs":["relu"])", R"("features":"pool")"}) {
    std::string to = from;
    to.replace(to.rfind('"', to.rfind('"') - 1) + 1, 2, name);
    EXPECT_TRUE(has(refusal(from, to), "at most 512 bytes"));
  }
  EXPECT_LT(refusal(R"("fc")", '"' + huge).size(), 1000u);
  EXPECT_LT(refusal("0.25", std::string(1 << 20, '9')).size(), 1000u);
}

TEST(SpecFile, WeightsWhoseLengthIsABraceAreNoSpec) {
  const TempDir folder;
  std::string header = R"({"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}})";
  header.resize(256 + '{', ' ');
  save(folder.file("w.safetensors"), raw_safetensors(header));
  EXPECT_FALSE(names_network(folder.file("w.safetensors")));
  EXPECT_TRUE(has(error_of([&] { network_named(folder.file("w.safetensors")); }, Code::bad_file),
                  "is no network's spec"));
}

TEST(SpecFile, SizesThatCannotWorkAreRefusedByTheNodeThatTheyDoNotFit) {
  const std::string text = edited(specs("small.json"), R"("pad":1,)", "");
  const auto refusal = [&](int64_t height, int64_t width, Code code = Code::invalid_argument) {
    return error_of([&] { network_named(text, {.height = height, .width = width}); }, code);
  };
  EXPECT_TRUE(has(refusal(2, 2), "node \"conv\": "));
  EXPECT_TRUE(has(refusal(2, 2), "its input is to be 2 x 2 (the network's own size is 16 x 16)"));
  EXPECT_TRUE(has(refusal(16385, 16), "must each lie in 1..16384"));
  EXPECT_TRUE(has(refusal(16384, 16384, Code::unsupported), "pixels, the limit"));
  const std::string classes = edited(text, R"("out":4)", R"("out":65536)");
  EXPECT_TRUE(has(error_of([&] { network_named(classes, {.height = 8192, .width = 8192}); }),
                  "numbers are over the limit of"));
}

TEST(SpecFile, MayBeginAsEditorsLeaveIt) {
  const TempDir folder;
  const std::string path = folder.file("net.json");
  for (const char* before : {"\n", " \t\r\n", "\xef\xbb\xbf", "\xef\xbb\xbf\r\n"}) {
    const std::string text = before + specs("small.json");
    EXPECT_EQ(network_named(text).id, "small");
    save(path, text);
    EXPECT_TRUE(names_network(path));
    EXPECT_EQ(network_named(path).id, "small");
  }
  std::string wide = "\xff\xfe";
  for (const char c : specs("small.json")) wide += {c, '\0'};
  save(path, wide);
  EXPECT_TRUE(has(error_of([&] { network_named(path); }, Code::bad_file), "is UTF-16"));
}

// A node of 22 bytes is written with all its fields.
TEST(SpecFile, WhatIsReadIsReadAgainFromAWeightFile) {
  const std::string base = specs("small.json"), before = "  {\"name\":\"norm\"";
  std::string nodes;
  for (int i = 0; i < 4000; ++i)
    nodes += cat("{\"name\":\"", std::string(450, 'x'), i, "\",\"op\":\"lrn\"},");
  const NetSpec spec = network_named(edited(base, before, nodes + before));
  const std::string text = to_json(spec, SpecPart::without_input_and_labels);
  EXPECT_GT(text.size(), largest_spec);
  EXPECT_EQ(network_in_metadata(text, spec.input, "file", {}).nodes.size(), spec.nodes.size());
}

}  // namespace
}  // namespace alx
