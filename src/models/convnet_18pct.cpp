// cuda-convnet's network of 18 % error on CIFAR-10 (example-layers/layers-18pct.cfg, layer-params-18pct.cfg): the
// ancestor of AlexNet that Krizhevsky published with its code. It is the paper's Figure 1 network with spatial
// normalisation and decay. The source trains without augmentation, with the mean image subtracted: --augment none
// --mean image (the latter is the default here).
#include "models/builder.h"
#include "models/networks.h"

namespace alx::models {
namespace {

Conv conv(int64_t out, float std) { return {out, 5, 1, Pad::all(2), 1, Activation::none, gaussian(std), bias(0)}; }

// rnorm: 3 x 3 of the same map, scale divided by their number.
Lrn spatial_norm() {
  Lrn norm{3, 1, 5e-5f, 0.75f};
  norm.region = Lrn::Region::within;
  return norm;
}

}  // namespace

NetSpec convnet_18pct(const ModelOptions& options) {
  NetBuilder net("convnet-18pct", "cuda-convnet, layers-18pct");
  InputSpec input;
  input.height = input.width = input.resize_size = 32;
  input.scale = 255;
  input.mean = {125.3f, 123.0f, 113.9f};  // of CIFAR-10's training pictures
  Recipe recipe;
  recipe.rate = 1e-3f;
  recipe.decay = 4e-3f;
  recipe.epochs = 140;
  recipe.schedule = "steps:120,130:0.1";
  recipe.mean = Recipe::Mean::image;
  net.input(input, options).classes(10, options).recipe(recipe);

  const AvgPool average{3, 2, {}, Round::ceil, false};
  net.add("conv1", conv(32, 1e-4f));
  net.layer("pool1", MaxPool{3, 2, {}, Round::ceil}, "relu1").add("norm1", spatial_norm());
  net.layer("conv2", conv(32, 0.01f), "relu2").add("pool2", average).add("norm2", spatial_norm());
  net.layer("conv3", conv(64, 0.01f), "relu3").add("pool3", average);
  ParamRule weight = gaussian(0.01f);
  weight.decay = 250;  // a decay of 1 for the last layer's weights
  net.add("fc4", Linear{net.classes(), Activation::none, weight, bias(0)});
  return net.finish();
}

}  // namespace alx::models
