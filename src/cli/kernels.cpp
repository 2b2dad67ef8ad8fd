#include <algorithm>
#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "core/error.h"
#include "core/path.h"
#include "core/text.h"
#include "network/bundled.h"
#include "network/session.h"
#include "plot/plot.h"

namespace alx::cli {
namespace {

struct KernelOptions {
  std::string model = bundled_network, layer = "conv1", out, activations, contrast = "each";
  DeviceOptions device;
};

// The convolution of that name, or whose neuron has it: torchvision's conv1 is features.1, the ReLU
// behind features.0.
const Node* convolution(const NetSpec& spec, const std::string& layer) {
  const Node* node = spec.node(layer);
  if (!node) node = spec.find(layer);
  while (node && facts_of(node->op).activation) node = spec.node(node->inputs.front());
  return node && facts_of(node->op).convolution ? node : nullptr;
}

std::vector<const Node*> convolutions(const NetSpec& spec, const std::string& layer) {
  if (const Node* one = convolution(spec, layer)) return {one};
  const Node *a = convolution(spec, layer + "a"), *b = convolution(spec, layer + "b");
  if (a && b) return {a, b};
  std::string known;
  for (const Node& node : spec.nodes)
    if (facts_of(node.op).convolution) known += (known.empty() ? "" : ", ") + node.name;
  fail(Code::not_found, spec.id, ": no convolution is named '", layer, "'; there are: ", known);
}

// What is drawn for the layer's name: itself, or its parts in both towers.
std::vector<std::string> layers_of(const NetSpec& spec, const std::string& layer) {
  if (!spec.find(layer) && spec.find(layer + "a") && spec.find(layer + "b"))
    return {layer + "a", layer + "b"};
  spec.at(layer);  // throws, and lists what there is
  return {layer};
}

std::string times(const Shape& shape) { return joined(shape, " \u00d7 "); }

// (filters, 3, height, width), red first.
Tiles filters_of(const Model& model, const Node& node, const std::string& title) {
  const WeightFile& file = *model.file();
  const TensorView& weight = *file.find(node.name + ".weight");
  const Shape& shape = weight.shape;
  check(shape[1] == 3, Code::invalid_argument, "the filters of ", node.name, " read ", shape[1],
        " channels, and only filters over the 3 colours can be seen as pictures; --activations "
        "IMAGE draws what the "
        "layer answers to one");
  Tiles tiles{title,    cat(shape[0], " filters of ", times({shape[2], shape[3], 3})), 3, shape[2],
              shape[3], std::vector<float>(static_cast<size_t>(element_count(shape)))};
  file.read(weight, tiles.values);
  if (model.spec().input.channel_order != "BGR") return tiles;
  const auto plane = static_cast<std::ptrdiff_t>(shape[2] * shape[3]);
  for (auto at = tiles.values.begin(); at != tiles.values.end(); at += 3 * plane)
    std::swap_ranges(at, at + plane, at + 2 * plane);
  return tiles;
}

std::vector<Tiles> activations_of(const std::shared_ptr<const Model>& model,
                                  const KernelOptions& options) {
  const std::vector<std::string> layers = layers_of(model->spec(), options.layer);
  SessionOptions wanted = session_options(options.device);
  wanted.outputs = layers;
  Session session(model, wanted);
  for (const std::string& layer : layers)
    check(session.network().shape(layer).size() == 4, Code::invalid_argument, layer, " of ",
          model->spec().id, " gives ", session.network().shape(layer).back(),
          " numbers and no planes that could be drawn; `alexnet features` writes them");
  const std::vector<Image> picture{read_image(options.activations)};
  const std::string name = to_utf8(to_path(options.activations).filename());
  std::vector<Tiles> blocks;
  for (const std::string& layer : layers) {
    const Shape shape = session.network().shape(layer);
    blocks.push_back({layer,
                      cat(shape[1], " channels of ", times({shape[2], shape[3]}), " for ", name), 1,
                      shape[2], shape[3], session.features(picture, layer)});
  }
  return blocks;
}

int kernels(const KernelOptions& options) {
  const auto model = Model::open(options.model);
  check_writable(options.out);
  std::vector<Tiles> blocks;
  if (!options.activations.empty()) {
    blocks = activations_of(model, options);
  } else {
    const auto nodes = convolutions(model->spec(), options.layer);
    for (const Node* node : nodes)
      blocks.push_back(filters_of(*model, *node, nodes.size() > 1 ? node->name : options.layer));
  }
  plot_tiles(options.out, blocks, options.contrast == "each" ? Contrast::each : Contrast::common);
  for (const Tiles& block : blocks) std::cout << printable(block.title + ": " + block.note) << '\n';
  return done;
}

}  // namespace

Command add_kernels(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "kernels", "Draw a convolution's filters, or what a layer answers to a picture");
  const auto options = std::make_shared<KernelOptions>();
  add_model(*app, options->model);
  app->add_option("--layer", options->layer,
                  "A convolution over colours; with --activations any that has planes")
      ->type_name("NAME")
      ->capture_default_str();
  app->add_option("--activations", options->activations, "Draw the layer's answer to this picture")
      ->type_name("IMAGE");
  add_choice(*app, "--contrast", options->contrast, "Scale each tile by itself, or all tiles alike",
             "each|common", {"each", "common"});
  add_output(*app, "--out", options->out, "The figure to write (.png or .svg)", "FILE",
             {".png", ".svg"})
      ->required();
  add_device_options(*app, options->device);
  return {app, [options] { return kernels(*options); }};
}

}  // namespace alx::cli
