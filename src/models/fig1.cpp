// cuda-convnet's network of 18 % error on CIFAR-10 (example-layers/layers-18pct.cfg), the ancestor
// of AlexNet that Krizhevsky published with its code, and the four-layer networks of the paper's
// Figure 1, with ReLUs and with tanh. The paper gives no sizes of the latter and no released file
// is labelled as them; of cuda-convnet's examples the "18pct" network has four layers with weights,
// so its sizes and starts stand there too. They lack its normalisations, whose effect the paper
// tells of apart from the figure, and weight decay: the figure's networks are not regularised.
#include "models/builder.h"
#include "models/networks.h"

namespace alx::models {
namespace {

Conv conv(int64_t out, float std) {
  return {.out = out, .kernel = 5, .pad = Pad::all(2), .weight = gaussian(std), .bias = bias(0)};
}

InputSpec cifar_input() {
  InputSpec input;
  input.height = input.width = input.resize_size = 32;
  input.scale = 255;
  input.mean = {125.3f, 123.0f, 113.9f};  // of CIFAR-10's training pictures
  return input;
}

struct Kind {
  const char *id, *source;
  Op neuron;
  bool norm;
  ParamRule last_weight;
};

NetSpec make(const Kind& kind, const Recipe& recipe, const ModelOptions& options) {
  NetBuilder net(kind.id, kind.source);
  net.input(cifar_input(), options).classes(10, options).recipe(recipe);
  const AvgPool average{.kernel = 3, .stride = 2, .round = Round::ceil};
  //                                                                3 x 32 x 32
  net.layer("conv1", conv(32, 1e-4f), "neuron1", kind.neuron);  // 32 x 32 x 32
  // The source rectifies after this pooling, which is the same.
  net.add("pool1", overlapping_pool);  // 32 x 16 x 16
  if (kind.norm) net.add("norm1", spatial_norm(3, 5e-5f));
  net.layer("conv2", conv(32, 0.01f), "neuron2", kind.neuron);  // 32 x 16 x 16
  net.add("pool2", average);                                    // 32 x  8 x  8
  if (kind.norm) net.add("norm2", spatial_norm(3, 5e-5f));
  net.layer("conv3", conv(64, 0.01f), "neuron3", kind.neuron);  // 64 x  8 x  8
  net.add("pool3", average);                                    // 64 x  4 x  4
  net.add("fc4", Linear{.out = net.classes(), .weight = kind.last_weight, .bias = bias(0)});
  return net.finish();
}

NetSpec make_figure1(const char* id, const Op& neuron, float rate, const ModelOptions& options) {
  Recipe recipe;
  recipe.rate = rate;  // chosen for each neuron by itself, as in the paper
  recipe.decay = 0;
  recipe.epochs = 40;
  recipe.schedule = "constant";
  return make(
      {.id = id,
       .source =
           "Krizhevsky, Sutskever, Hinton 2012, figure 1; sizes of cuda-convnet's 18pct example",
       .neuron = neuron,
       .norm = false,
       .last_weight = gaussian(0.01f)},
      recipe, options);
}

}  // namespace

NetSpec fig1_relu(const ModelOptions& options) {
  return make_figure1("fig1-relu", Relu{}, 2e-3f, options);
}

NetSpec fig1_tanh(const ModelOptions& options) {
  return make_figure1("fig1-tanh", Tanh{}, 0.016f, options);
}

// The source takes no crops or flips: --augment none.
NetSpec convnet_18pct(const ModelOptions& options) {
  Recipe recipe;  // layer-params-18pct.cfg
  recipe.rate = 1e-3f;
  recipe.decay = 4e-3f;
  recipe.epochs = 140;
  recipe.schedule = "steps:120,130:0.1";
  recipe.mean = Recipe::Mean::image;
  ParamRule last = gaussian(0.01f);
  last.decay = 250;  // a decay of 1
  return make({.id = "convnet-18pct",
               .source = "cuda-convnet, layers-18pct",
               .neuron = Relu{},
               .norm = true,
               .last_weight = last},
              recipe, options);
}

}  // namespace alx::models
