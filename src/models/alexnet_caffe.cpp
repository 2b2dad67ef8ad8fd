// Caffe's two: bvlc_alexnet (norm before pool) and bvlc_reference_caffenet (pool before norm). One
// column; groups of 2 stand for the two towers. Layer names are Caffe's, so its weights come in by
// name.
#include "models/builder.h"
#include "models/networks.h"

namespace alx::models {
namespace {

Conv conv(int64_t out, int64_t kernel, int64_t stride, int64_t pad, int64_t groups,
          float bias_start) {
  return {.out = out,
          .kernel = kernel,
          .stride = stride,
          .pad = Pad::all(pad),
          .groups = groups,
          .weight = gaussian(0.01f),
          .bias = bias(bias_start)};
}

Linear fc(int64_t out, float std, float bias_start) {
  return {.out = out, .weight = gaussian(std), .bias = bias(bias_start)};
}

void add_norm_and_pool(NetBuilder& net, const std::string& block, bool norm_first) {
  const Lrn lrn{.size = 5, .k = 1, .alpha = 1e-4f, .beta = 0.75f};  // k is Caffe's default
  if (norm_first)
    net.add("norm" + block, lrn).add("pool" + block, overlapping_pool);
  else
    net.add("pool" + block, overlapping_pool).add("norm" + block, lrn);
}

// `start`: the biases of conv2, conv4, conv5, fc6 and fc7.
NetSpec make(const std::string& id, const std::string& source, bool norm_first, float start,
             const ModelOptions& options) {
  NetBuilder net(id, source);
  InputSpec input;
  input.height = input.width = 227;
  input.channel_order = "BGR";
  input.scale = 255;
  input.mean = {104, 117, 123};
  input.resize = InputSpec::Resize::squash;
  Recipe recipe;
  recipe.batch = 256;
  recipe.epochs = 90;               // 450,000 iterations
  recipe.schedule = "step:20:0.1";  // 100,000 iterations
  recipe.mean = Recipe::Mean::image;
  net.input(input, options).classes(1000, options).recipe(recipe);

  //                                                             3 x 227 x 227
  net.layer("conv1", conv(96, 11, 4, 0, 1, 0), "relu1");      //  96 x 55 x 55
  add_norm_and_pool(net, "1", norm_first);                    //  96 x 27 x 27
  net.layer("conv2", conv(256, 5, 1, 2, 2, start), "relu2");  // 256 x 27 x 27
  add_norm_and_pool(net, "2", norm_first);                    // 256 x 13 x 13
  net.layer("conv3", conv(384, 3, 1, 1, 1, 0), "relu3");      // 384 x 13 x 13
  net.layer("conv4", conv(384, 3, 1, 1, 2, start), "relu4");  // 384 x 13 x 13
  net.layer("conv5", conv(256, 3, 1, 1, 2, start), "relu5");  // 256 x 13 x 13
  net.add("pool5", overlapping_pool);                         // 256 x  6 x  6
  net.layer("fc6", fc(4096, 0.005f, start), "relu6").add("drop6", Dropout{});
  net.layer("fc7", fc(4096, 0.005f, start), "relu7").add("drop7", Dropout{});
  net.add("fc8", fc(net.classes(), 0.01f, 0));
  return net.finish();
}

}  // namespace

NetSpec alexnet_caffe(const ModelOptions& options) {
  return make("alexnet-caffe", "BVLC Caffe, models/bvlc_alexnet", true, 0.1f, options);
}

NetSpec caffenet(const ModelOptions& options) {
  return make("caffenet", "BVLC Caffe, models/bvlc_reference_caffenet", false, 1, options);
}

}  // namespace alx::models
