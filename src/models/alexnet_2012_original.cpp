// The network as the released code defines it (layers-145, the single network of the paper's results), under the
// parameter names of alexnet-2012. It departs from the paper's text so:
//   224 x 224 pictures; the code rounds a convolution's output up, its last windows reading zeros beyond the edge;
//   block 1 is convolution, LRN, pooling, ReLU, and conv5 is rectified after its pooling (which commutes);
//   a second, spatial normalisation with k = 1 follows the LRN of block 2;
//   conv3 to conv5 start with a deviation of 0.03.
// Beside the network: one crop and flip for 32 consecutive pictures, colour noise of deviation 0.1 and then x / 1.1,
// conv1's rate lowered at epoch 67 and 0 from 72 on. A mean image is subtracted, where a weight file brings one.
#include "models/networks.h"
#include "models/towers.h"

namespace alx::models {
namespace {

Conv conv(int64_t out, int64_t kernel, int64_t stride, Pad pad, float std, float bias_start) {
  return {out, kernel, stride, pad, 1, Activation::none, gaussian(std), bias(bias_start)};
}

// Zeros after the end, so that a size rounded down becomes one rounded up.
int64_t ceil_pad(int64_t side, int64_t kernel, int64_t stride) {
  const int64_t rest = (side - kernel) % stride;
  return rest == 0 ? 0 : rest > 0 ? stride - rest : -rest;
}

void add_first_blocks(NetBuilder& net, const std::string& t) {
  const MaxPool pool{3, 2, {}, Round::ceil};
  const Pad pad1{0, 0, ceil_pad(net.input().height, 11, 4), ceil_pad(net.input().width, 11, 4)};
  net.after("data");
  net.add("conv1" + t, conv(48, 11, 4, pad1, 0.01f, 0)).add("rnorm1" + t, Lrn{});
  net.layer("pool1" + t, pool, "relu1" + t);
  net.layer("conv2" + t, conv(128, 5, 1, Pad::all(2), 0.01f, 1), "relu2" + t).add("rnorm2" + t, Lrn{});
  net.add("cnorm2" + t, spatial_norm(5, 1e-3f)).add("pool2" + t, pool);
}

void add_last_blocks(NetBuilder& net, const std::string& t) {
  join(net, "conv3" + t + "_in", "pool2");
  net.layer("conv3" + t, conv(192, 3, 1, Pad::all(1), 0.03f, 0), "relu3" + t);
  net.layer("conv4" + t, conv(192, 3, 1, Pad::all(1), 0.03f, 1), "relu4" + t);
  net.add("conv5" + t, conv(128, 3, 1, Pad::all(1), 0.03f, 1));
  net.layer("pool5" + t, MaxPool{3, 2, {}, Round::ceil}, "relu5" + t);
}

}  // namespace

NetSpec alexnet_2012_original(const ModelOptions& options) {
  NetBuilder net("alexnet-2012-original", "the released cuda-convnet code, layers-145");
  net.input(paper_input(224), options).classes(1000, options);
  Recipe recipe = paper_recipe();
  recipe.epochs = 91;
  net.recipe(recipe);
  for (const std::string t : {"a", "b"}) {
    enter_tower(net, t);
    add_first_blocks(net, t);
  }
  for (const std::string t : {"a", "b"}) {
    enter_tower(net, t);
    add_last_blocks(net, t);
  }
  net.alias("pool2", "conv3a_in").alias("pool5", "fc6a_in");
  return finish_dense_towers(net, "relu5");
}

}  // namespace alx::models
