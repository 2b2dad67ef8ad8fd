// ImageNet Classification with Deep Convolutional Neural Networks (Krizhevsky, Sutskever, Hinton,
// 2012), by its text. Where the text leaves something open or cannot be right:
//   227 x 227, not 224: only that gives the 55 x 55 positions of conv1 without padding;
//   LRN's alpha is divided by n, as the released code does (`printed_lrn` takes the formula by the
//     letter);
//   every weight starts with a deviation of 0.01 (the released code has 0.03 from conv3 to conv5);
//   biases learn at twice the rate and do not decay, as in the released code; the paper does not
//     say;
//   a pool's last window may hang over the edge: it matters for other input sizes only.
#include "models/networks.h"
#include "models/towers.h"

namespace alx::models {
namespace {

Conv conv(int64_t out, int64_t kernel, int64_t stride, int64_t pad, float bias_start,
          float std = 0.01f) {
  return {.out = out,
          .kernel = kernel,
          .stride = stride,
          .pad = Pad::all(pad),
          .weight = gaussian(std),
          .bias = bias(bias_start)};
}

// Figure 2 up to the last pooling, with the outputs of one tower for its 3 x 227 x 227. conv3 is
// the one convolution that reads both towers.
void add_convolutions(NetBuilder& net, bool printed_lrn) {
  const Lrn lrn{.size = 5, .k = 2, .alpha = 1e-4f, .beta = 0.75f, .divide = !printed_lrn};
  for (const std::string t : {"a", "b"}) {
    enter_tower(net, t);
    net.after("data");
    net.layer("conv1" + t, conv(48, 11, 4, 0, 0), "relu1" + t);    //  48 x 55 x 55
    net.add("norm1" + t, lrn).add("pool1" + t, overlapping_pool);  //  48 x 27 x 27
    net.layer("conv2" + t, conv(128, 5, 1, 2, 1), "relu2" + t);    // 128 x 27 x 27
    net.add("norm2" + t, lrn).add("pool2" + t, overlapping_pool);  // 128 x 13 x 13
  }
  for (const std::string t : {"a", "b"}) {
    enter_tower(net, t);
    join(net, "conv3" + t + "_in", "pool2");                     // 256 x 13 x 13
    net.layer("conv3" + t, conv(192, 3, 1, 1, 0), "relu3" + t);  // 192 x 13 x 13
    net.layer("conv4" + t, conv(192, 3, 1, 1, 1), "relu4" + t);  // 192 x 13 x 13
    net.layer("conv5" + t, conv(128, 3, 1, 1, 1), "relu5" + t);  // 128 x 13 x 13
    net.add("pool5" + t, overlapping_pool);                      // 128 x  6 x  6
  }
  net.alias("pool2", "conv3a_in");
}

NetBuilder begin(const std::string& id, const std::string& source, const ModelOptions& options) {
  NetBuilder net(id, source);
  net.input(paper_input(227), options).classes(1000, options).recipe(paper_recipe());
  add_convolutions(net, options.printed_lrn);
  return net;
}

}  // namespace

NetSpec alexnet_2012(const ModelOptions& options) {
  NetBuilder net = begin("alexnet-2012", "Krizhevsky, Sutskever, Hinton 2012", options);
  net.alias("pool5", "fc6a_in");
  return finish_dense_towers(net, "pool5");
}

// "An additional, sixth convolutional layer over the last pooling layer" (section 6.1, 1 CNN*). The
// paper tells no more about it; sizes and start are those of layers-146 of the released code, which
// began from weights trained on the fall 2011 release.
NetSpec alexnet_2012_6conv(const ModelOptions& options) {
  NetBuilder net =
      begin("alexnet-2012-6conv", "Krizhevsky, Sutskever, Hinton 2012, 1 CNN* of table 2", options);
  net.alias("pool5", "conv6a_in");
  for (const std::string t : {"a", "b"}) {
    enter_tower(net, t);
    join(net, "conv6" + t + "_in", "pool5");                                 // 256 x 6 x 6
    net.layer("conv6" + t, conv(128, 3, 1, 1, 1, 0.03f), "relu_conv6" + t);  // 128 x 6 x 6
  }
  net.alias("conv6", "fc6a_in");
  return finish_dense_towers(net, "relu_conv6");
}

}  // namespace alx::models
