// The network as the released code defines it (layers-145, the single network of the paper's
// results), under the parameter names of alexnet-2012. It departs from the paper's text so:
//   224 x 224 pictures; the code rounds a convolution's output up, its last windows reading zeros
//     beyond the edge;
//   block 1 is convolution, LRN, pooling, ReLU, and conv5 is rectified after its pooling (which
//     commutes);
//   a second, spatial normalisation with k = 1 follows the LRN of block 2;
//   conv3 to conv5 start with a deviation of 0.03.
// Beside the network: one crop and flip for 32 consecutive pictures, colour noise of deviation 0.1
// and then x / 1.1, conv1's rate lowered at epoch 67 and 0 from 72 on. A mean image is subtracted,
// where a weight file brings one.
#include "models/networks.h"
#include "models/towers.h"

namespace alx::models {
namespace {

Conv conv(int64_t out, int64_t kernel, int64_t stride, Pad pad, float std, float bias_start) {
  return {.out = out,
          .kernel = kernel,
          .stride = stride,
          .pad = pad,
          .weight = gaussian(std),
          .bias = bias(bias_start)};
}

// Zeros after the end, so that a size rounded down becomes one rounded up.
int64_t ceil_pad(int64_t side, int64_t kernel, int64_t stride) {
  const int64_t rest = (side - kernel) % stride;
  return rest == 0 ? 0 : rest > 0 ? stride - rest : -rest;
}

// The outputs beside a layer are those of one tower for 3 x 224 x 224.
void add_first_blocks(NetBuilder& net, const std::string& t) {
  const Pad pad1{.bottom = ceil_pad(net.input().height, 11, 4),
                 .right = ceil_pad(net.input().width, 11, 4)};
  net.after("data");
  net.add("conv1" + t, conv(48, 11, 4, pad1, 0.01f, 0)).add("rnorm1" + t, Lrn{});  //  48 x 55 x 55
  net.layer("pool1" + t, overlapping_pool, "relu1" + t);                           //  48 x 27 x 27
  net.layer("conv2" + t, conv(128, 5, 1, Pad::all(2), 0.01f, 1), "relu2" + t);     // 128 x 27 x 27
  net.add("rnorm2" + t, Lrn{}).add("cnorm2" + t, spatial_norm(5, 1e-3f));
  net.add("pool2" + t, overlapping_pool);  // 128 x 13 x 13
}

void add_last_blocks(NetBuilder& net, const std::string& t) {
  join(net, "conv3" + t + "_in", "pool2");                                      // 256 x 13 x 13
  net.layer("conv3" + t, conv(192, 3, 1, Pad::all(1), 0.03f, 0), "relu3" + t);  // 192 x 13 x 13
  net.layer("conv4" + t, conv(192, 3, 1, Pad::all(1), 0.03f, 1), "relu4" + t);  // 192 x 13 x 13
  net.add("conv5" + t, conv(128, 3, 1, Pad::all(1), 0.03f, 1));                 // 128 x 13 x 13
  net.layer("pool5" + t, overlapping_pool, "relu5" + t);                        // 128 x  6 x  6
}

}  // namespace

NetSpec alexnet_2012_original(const ModelOptions& options) {
  NetBuilder net("alexnet-2012-original", "the released cuda-convnet code, layers-145");
  net.input(paper_input(224), options).classes(1000, options);
  Recipe recipe = paper_recipe();
  recipe.epochs = 91;
  recipe.shared_crops = 32;
  recipe.colour_divides = true;
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
