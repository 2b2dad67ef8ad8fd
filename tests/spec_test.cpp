// What the check of a graph takes and refuses, on hand-made ones.
#include "graph/spec.h"

#include <gtest/gtest.h>

#include "refusal.h"

namespace alx {
namespace {

NetSpec tiny() {
  NetSpec spec;
  spec.id = "tiny";
  spec.classes = 5;
  spec.input.height = spec.input.width = 8;
  Conv conv;
  conv.out = 4;
  conv.kernel = 3;
  Linear fc;
  fc.out = 5;
  spec.nodes = {{"conv", conv, {"data"}},
                {"relu", Relu{}, {"conv"}},
                {"fc", fc, {"relu"}},
                {"prob", Softmax{}, {"fc"}}};
  spec.logits = "fc";
  return spec;
}

std::string refusal(const NetSpec& spec) {
  return error_of([&] { infer_shapes(spec, 2); });
}

TEST(Graph, ASoundGraphIsTaken) {
  NetSpec spec = tiny();
  spec.nodes.push_back({"loss_head", SoftmaxLoss{}, {"fc", "labels"}});
  const auto shapes = infer_shapes(spec, 2);
  EXPECT_EQ(shapes.at("conv"), (Shape{2, 4, 6, 6}));
  EXPECT_EQ(shapes.at("loss_head"), (Shape{2, 5}));
}

TEST(Graph, NamesMustBeUniqueAndFree) {
  NetSpec spec = tiny();
  spec.nodes[1].name = "conv";
  EXPECT_TRUE(has(refusal(spec), "tiny: node \"conv\": another node has this name"));
  for (const char* reserved : {"data", "labels", "loss"}) {
    spec = tiny();
    spec.nodes[3].name = reserved;
    EXPECT_TRUE(has(refusal(spec), "reserved"));
  }
  spec = tiny();
  spec.nodes[3].name = "";
  EXPECT_TRUE(has(refusal(spec), "no name"));
  spec.nodes[3].name = std::string("\xC3");
  EXPECT_TRUE(has(refusal(spec), "UTF-8"));
  spec.nodes[3].name = std::string(513, 'x');
  EXPECT_TRUE(has(refusal(spec), "513 bytes, at most 512"));
  for (const std::string& free : {std::string("a:b"), std::string("a/b c"),
                                  std::string("\xE2\x82\xAC"), std::string(512, 'x')}) {
    spec.nodes[3].name = free;
    EXPECT_EQ(infer_shapes(spec, 2).count(free), 1u);
  }
}

TEST(Graph, InputsMustBeEarlierNodes) {
  NetSpec spec = tiny();
  spec.nodes[1].inputs = {"cnov"};
  EXPECT_TRUE(has(refusal(spec), "node \"relu\": reads \"cnov\", and no node has that name"));
  spec.nodes[1].inputs = {"fc"};
  EXPECT_TRUE(has(refusal(spec), "node \"relu\": reads \"fc\", which does not come before it"));
  spec.nodes[1].inputs = {"relu"};
  EXPECT_TRUE(has(refusal(spec), "node \"relu\": reads \"relu\", which does not come before it"));
  spec.nodes[1].inputs = {"loss"};
  EXPECT_TRUE(has(refusal(spec), "no node has that name"));
  spec.nodes[1].inputs = {};
  EXPECT_TRUE(has(refusal(spec), "no input"));
  spec.nodes.clear();
  EXPECT_TRUE(has(refusal(spec), "no nodes"));
}

TEST(Graph, LabelsOnlyFeedALoss) {
  NetSpec spec = tiny();
  spec.nodes[1].inputs = {"labels"};
  EXPECT_TRUE(has(refusal(spec), "only the second input of a softmax_loss"));
  spec = tiny();
  spec.nodes.push_back({"loss_head", SoftmaxLoss{}, {"labels", "fc"}});
  EXPECT_TRUE(has(refusal(spec), "only the second input of a softmax_loss"));
}

TEST(Graph, PlanningAloneMakesSplitsAndCopies) {
  NetSpec spec = tiny();
  spec.nodes[1].op = Copy{};
  EXPECT_TRUE(has(refusal(spec), "planning inserts every copy"));
  spec.nodes[1].op = Split{};
  EXPECT_TRUE(has(refusal(spec), "planning inserts every split"));
}

TEST(Graph, SlotsHaveNoGaps) {
  NetSpec spec = tiny();
  spec.nodes[2].slot = 2;
  EXPECT_TRUE(has(refusal(spec), "node \"fc\": lies on slot 2, and no node on slot 1"));
  EXPECT_TRUE(has(error_of([&] { spec.slots(); }), "slot 1"));
  for (Node& node : spec.nodes) node.slot = 1;
  EXPECT_TRUE(has(refusal(spec), "no node on slot 0"));
}

TEST(Graph, SlotsAreInheritedFromTheFirstInput) {
  NetSpec spec = tiny();
  spec.nodes[1].slot = 1;
  std::vector<size_t> slots;
  for (const LayerInfo& layer : layer_table(spec)) slots.push_back(layer.slot);
  EXPECT_EQ(slots, (std::vector<size_t>{0, 1, 1, 1}));
  EXPECT_EQ(spec.slots(), 2u);
}

TEST(Graph, ShapesMustFitAndAreNamed) {
  NetSpec spec = tiny();
  spec.nodes.insert(spec.nodes.begin() + 1, {"both", Concat{}, {"data", "conv"}});
  const std::string text = refusal(spec);
  EXPECT_TRUE(has(text, "node \"both\""));
  EXPECT_TRUE(has(text, "2 x 3 x 8 x 8"));
  EXPECT_TRUE(has(text, "2 x 4 x 6 x 6"));
  spec = tiny();
  std::get<Conv>(spec.nodes[0].op).kernel = 9;
  EXPECT_TRUE(has(refusal(spec), "node \"conv\""));
  spec = tiny();
  spec.classes = 6;
  EXPECT_TRUE(
      has(refusal(spec), "node \"fc\": logits of 6 classes must be 2 x 6, these are 2 x 5"));
  spec = tiny();
  EXPECT_TRUE(has(error_of([&] { infer_shapes(spec, 0); }), "batch"));
  spec.input.width = -4;
  EXPECT_TRUE(has(refusal(spec), "8 x -4"));
}

TEST(Graph, LogitsAndAliasesMustExist) {
  NetSpec spec = tiny();
  spec.logits = "fc8";
  EXPECT_TRUE(has(refusal(spec), "\"fc8\""));
  spec = tiny();
  spec.aliases["features"] = "relu9";
  EXPECT_TRUE(has(refusal(spec), "alias \"features\" stands for \"relu9\""));
}

TEST(Graph, AnAliasMayShadowANode) {
  NetSpec spec = tiny();
  spec.aliases["conv"] = "relu";
  EXPECT_EQ(spec.at("conv").name, "relu");
  EXPECT_EQ(params_of(spec).front().name, "conv.weight");
  EXPECT_EQ(params_of(spec).front().node, "conv");
}

TEST(Graph, CountsThatOverflowAreRefused) {
  NetSpec spec = tiny();
  spec.input.height = spec.input.width = int64_t{1} << 30;
  std::get<Conv>(spec.nodes[0].op).out = 64;
  EXPECT_TRUE(has(refusal(spec), "too large"));
}

}  // namespace
}  // namespace alx
