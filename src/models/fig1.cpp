// The four-layer convolutional network of the paper's Figure 1, with ReLUs and with tanh. The paper gives no sizes and
// no released file is labelled as it; of cuda-convnet's CIFAR-10 examples the "18pct" network has four layers with
// weights, so its sizes, starts and rates stand here. Left out are its two normalisations, whose effect the paper
// tells of apart from the figure, and weight decay: the figure's networks are not regularised.
#include "models/builder.h"
#include "models/networks.h"

namespace alx::models {
namespace {

Conv conv(int64_t out, float std) { return {out, 5, 1, Pad::all(2), 1, Activation::none, gaussian(std), bias(0)}; }

NetSpec make(const std::string& id, const Op& neuron, float rate, const ModelOptions& options) {
  NetBuilder net(id, "Krizhevsky, Sutskever, Hinton 2012, figure 1; sizes of cuda-convnet's 18pct example");
  InputSpec input;
  input.height = input.width = input.resize_size = 32;
  input.scale = 255;
  input.mean = {125.3f, 123.0f, 113.9f};  // of CIFAR-10's training pictures
  Recipe recipe;
  recipe.rate = rate;  // chosen for each neuron by itself, as in the paper
  recipe.decay = 0;
  recipe.epochs = 40;
  recipe.schedule = "constant";
  net.input(input, options).classes(10, options).recipe(recipe);

  const AvgPool average{3, 2, {}, Round::ceil, false};
  net.layer("conv1", conv(32, 1e-4f), "neuron1", neuron).add("pool1", MaxPool{3, 2, {}, Round::ceil});
  net.layer("conv2", conv(32, 0.01f), "neuron2", neuron).add("pool2", average);
  net.layer("conv3", conv(64, 0.01f), "neuron3", neuron).add("pool3", average);
  net.add("fc4", Linear{net.classes(), Activation::none, gaussian(0.01f), bias(0)});
  return net.finish();
}

}  // namespace

NetSpec fig1_relu(const ModelOptions& options) { return make("fig1-relu", Relu{}, 1e-3f, options); }

NetSpec fig1_tanh(const ModelOptions& options) { return make("fig1-tanh", Tanh{}, 1e-3f, options); }

}  // namespace alx::models
