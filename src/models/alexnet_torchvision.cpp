// torchvision's alexnet, after "One weird trick for parallelizing convolutional neural networks":
// one column of 64/192/384/256/256 maps without LRN and groups. Nodes carry the indices of its two
// Sequential blocks, so that a state dict fits by name.
#include "models/builder.h"
#include "models/networks.h"

namespace alx::models {
namespace {

// torch's default start: uniform within 1 / sqrt(fan-in), biases too. Weights and biases learn
// alike.
constexpr ParamRule start{.init = {Init::Kind::torch}};

Conv conv(int64_t out, int64_t kernel, int64_t stride, int64_t pad) {
  return {.out = out,
          .kernel = kernel,
          .stride = stride,
          .pad = Pad::all(pad),
          .weight = start,
          .bias = start};
}

Linear linear(int64_t out) { return {.out = out, .weight = start, .bias = start}; }

void add_features(NetBuilder& net) {
  const MaxPool pool{.kernel = 3, .stride = 2, .round = Round::floor};
  //                                                                               3 x 224 x 224
  net.add("features.0", conv(64, 11, 4, 2)).add("features.1", Relu{});    //  64 x 55 x 55
  net.add("features.2", pool);                                            //  64 x 27 x 27
  net.add("features.3", conv(192, 5, 1, 2)).add("features.4", Relu{});    // 192 x 27 x 27
  net.add("features.5", pool);                                            // 192 x 13 x 13
  net.add("features.6", conv(384, 3, 1, 1)).add("features.7", Relu{});    // 384 x 13 x 13
  net.add("features.8", conv(256, 3, 1, 1)).add("features.9", Relu{});    // 256 x 13 x 13
  net.add("features.10", conv(256, 3, 1, 1)).add("features.11", Relu{});  // 256 x 13 x 13
  net.add("features.12", pool);                                           // 256 x  6 x  6
}

// Dropout stands before the linear layers here, where the paper has it behind them.
void add_classifier(NetBuilder& net) {
  net.add("avgpool", AdaptiveAvgPool{.out_h = 6, .out_w = 6});
  net.add("classifier.0", Dropout{}).add("classifier.1", linear(4096)).add("classifier.2", Relu{});
  net.add("classifier.3", Dropout{}).add("classifier.4", linear(4096)).add("classifier.5", Relu{});
  net.add("classifier.6", linear(net.classes()));
}

void add_aliases(NetBuilder& net) {
  const std::vector<std::pair<std::string, std::string>> neurons = {
      {"1", "features.1"},  {"2", "features.4"},   {"3", "features.7"},  {"4", "features.9"},
      {"5", "features.11"}, {"6", "classifier.2"}, {"7", "classifier.5"}};
  for (const auto& [number, node] : neurons) {
    net.alias((number < "6" ? "conv" : "fc") + number, node).alias("relu" + number, node);
  }
  net.alias("pool1", "features.2").alias("pool2", "features.5").alias("pool5", "features.12");
  net.alias("drop6", "classifier.0").alias("drop7", "classifier.3").alias("fc8", "classifier.6");
}

}  // namespace

NetSpec alexnet_torchvision(const ModelOptions& options) {
  NetBuilder net("alexnet", "torchvision.models.alexnet");
  InputSpec input;  // 224, RGB, 0..1, short side 256
  input.mean = {0.485f, 0.456f, 0.406f};
  input.std = {0.229f, 0.224f, 0.225f};
  Recipe recipe;  // that of torchvision's reference scripts
  recipe.batch = 256;
  recipe.decay = 1e-4f;
  recipe.schedule = "step:30:0.1";
  recipe.rate_in_velocity = false;
  net.input(input, options).classes(1000, options).recipe(recipe);
  add_features(net);
  add_classifier(net);
  add_aliases(net);
  return net.finish();
}

}  // namespace alx::models
