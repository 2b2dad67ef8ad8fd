// AlexNet at the scale of CIFAR-10: convolutions with ReLU, normalised and pooled with overlap as
// in the paper, a convolution straight on another before the last pooling, a small hidden layer
// between two dropouts. 454,858 parameters and 14.7 million multiply-adds.
#include "models/builder.h"
#include "models/networks.h"

namespace alx::models {
namespace {

// Without batch normalisation the start decides.
Conv conv(int64_t out) {
  return {.out = out, .kernel = 3, .pad = Pad::all(1), .weight = he, .bias = bias(0)};
}

}  // namespace

NetSpec alexnet_cifar10(const ModelOptions& options) {
  NetBuilder net("alexnet-cifar10", "this project, after Krizhevsky, Sutskever, Hinton 2012");
  InputSpec input;  // RGB, 0..1, mean and deviation of the training pictures
  input.height = input.width = input.resize_size = 32;
  input.mean = {0.4914f, 0.4822f, 0.4465f};
  input.std = {0.2470f, 0.2435f, 0.2616f};
  Recipe recipe;  // beside it: crops out of 4 pixels of border, flips
  recipe.rate = 0.03f;
  recipe.epochs = 80;
  recipe.schedule = "cosine";
  recipe.mean = Recipe::Mean::colour;
  recipe.colour_noise = 0.1f;
  net.input(input, options).classes(10, options).recipe(recipe);

  // The input is of deviation 1 here, not 60 as in the paper's nets: alpha is larger in proportion
  // to matter as much.
  const Lrn lrn{.size = 5, .k = 1, .alpha = 0.05f, .beta = 0.75f};
  const Dropout dropout{.drop = 0.3f};
  //                                                        3 x 32 x 32
  net.layer("conv1", conv(32), "relu1");                 // 32 x 32 x 32
  net.add("norm1", lrn).add("pool1", overlapping_pool);  // 32 x 16 x 16
  net.layer("conv2", conv(64), "relu2");                 // 64 x 16 x 16
  net.add("norm2", lrn).add("pool2", overlapping_pool);  // 64 x  8 x  8
  net.layer("conv3", conv(96), "relu3");                 // 96 x  8 x  8
  net.layer("conv4", conv(96), "relu4");                 // 96 x  8 x  8
  net.add("pool4", overlapping_pool);                    // 96 x  4 x  4
  net.add("drop4", dropout);
  net.layer("fc5", Linear{.out = 192, .weight = he, .bias = bias(0)}, "relu5")
      .add("drop5", dropout);
  net.add("fc6", Linear{.out = net.classes(), .weight = gaussian(0.01f), .bias = bias(0)});
  return net.finish();
}

}  // namespace alx::models
