#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/commands.h"
#include "core/error.h"
#include "core/text.h"
#include "network/model.h"
#include "network/named.h"
#include "weights/format.h"
#include "weights/json.h"
#include "weights/spec_json.h"

namespace alx::cli {
namespace {

struct InfoOptions {
  std::string what;
  int64_t size = 0, classes = 0;
  bool json = false, spec = false;
};

struct Totals {
  int64_t parameters = 0, multiply_adds = 0, bytes = 0;
};

Totals sum(const std::vector<LayerInfo>& layers) {
  Totals totals;
  for (const LayerInfo& layer : layers) {
    totals.parameters += layer.parameters;
    totals.multiply_adds += layer.multiply_adds;
    totals.bytes += layer.bytes;
  }
  return totals;
}

// Of one image: without the batch dimension.
Shape output_of(const LayerInfo& layer) { return {layer.output.begin() + 1, layer.output.end()}; }

Json to_json(const NetSpec& spec, const std::vector<LayerInfo>& layers) {
  const Totals totals = sum(layers);
  Json list = Json::array();
  for (const LayerInfo& layer : layers)
    list.push_back({{"name", layer.name},
                    {"op", layer.op},
                    {"output", output_of(layer)},
                    {"parameters", layer.parameters},
                    {"multiply_adds", layer.multiply_adds}});
  return {{"model", spec.id},
          {"parameters", totals.parameters},
          {"multiply_adds", totals.multiply_adds},
          {"layers", std::move(list)}};
}

void print_layers(const std::vector<LayerInfo>& layers) {
  const auto count = [](int64_t number) { return number == 0 ? std::string() : grouped(number); };
  const Totals totals = sum(layers);
  std::vector<std::vector<std::string>> rows{
      {"layer", "op", "", "output", "parameters", "multiply-adds", "memory"}};
  for (const LayerInfo& layer : layers)
    rows.push_back({printable(layer.name), layer.op, layer.detail, to_string(output_of(layer)),
                    count(layer.parameters), count(layer.multiply_adds),
                    bytes_text(static_cast<double>(layer.bytes))});
  rows.push_back({"total", "", "", "", grouped(totals.parameters), grouped(totals.multiply_adds),
                  bytes_text(static_cast<double>(totals.bytes))});
  print_table(rows, "lllrrrr");
}

void print_input(const InputSpec& input) {
  std::cout << "input    " << input.width << " x " << input.height << " " << input.channel_order
            << ", 0.." << input.scale
            << (input.mean_image.empty() ? ", mean " + joined(input.mean, " ")
                                         : ", mean image " + printable(input.mean_image))
            << ", std " << joined(input.std, " ") << ", ";
  switch (input.resize) {
    case InputSpec::Resize::short_side: std::cout << "short side to " << input.resize_size; break;
    case InputSpec::Resize::squash:
      std::cout << "squashed to " << input.resize_size << " x " << input.resize_size;
      break;
    case InputSpec::Resize::none: std::cout << "not resized"; break;
  }
  std::cout << '\n';
}

void print_network(const NetSpec& spec) {
  std::cout << printable(spec.id) << ", revision " << spec.revision << ", " << grouped(spec.classes)
            << " classes";
  if (!spec.source.empty()) std::cout << " (" << printable(spec.source) << ")";
  std::cout << "\n\n";
  print_layers(layer_table(spec));
  std::cout << "\nmemory: outputs and parameters of one image in fp32\n";
  print_input(spec.input);
  const Recipe& recipe = spec.recipe;
  std::cout << "recipe   batch " << recipe.batch << ", rate " << recipe.rate << ", momentum "
            << recipe.momentum << ", weight decay " << recipe.decay << ", " << recipe.epochs
            << " epochs, schedule " << printable(recipe.schedule) << "\n         the rate "
            << (recipe.rate_in_velocity ? "goes into the velocity"
                                        : "multiplies the velocity, as torch has it")
            << "; crops, flips";
  if (recipe.colour_noise > 0) std::cout << ", colour noise " << recipe.colour_noise;
  std::cout << "; subtracts "
            << (recipe.mean == Recipe::Mean::fixed    ? "the mean above"
                : recipe.mean == Recipe::Mean::colour ? "the set's mean colour"
                                                      : "the set's mean image")
            << '\n';
}

// What the file itself says, beyond its network.
void print_file(const Model& model) {
  const WeightFile& file = *model.file();
  std::map<std::string, int64_t> types;
  for (const TensorView& tensor : file.tensors()) ++types[name_of(tensor.type)];
  std::string tensors;
  for (const auto& [type, count] : types)
    tensors += cat(tensors.empty() ? "" : ", ", count, " ", type);
  std::cout << "file     " << printable(file.path()) << ", tensors: " << tensors << '\n';
  if (file.metadata().empty()) {
    std::cout << "         no metadata: preprocessing and labels are the network's own\n";
    return;
  }
  const auto count = [&](const char* key) {
    const std::string text = file.metadata(key);
    return text.empty() ? size_t{0} : Document{parse_json(text, key, file.limits())}.json.size();
  };
  std::cout << "         format " << printable(file.metadata(key_format)) << " by "
            << printable(file.metadata(key_producer)) << "; " << count(key_labels) << " labels, "
            << count(key_checksums)
            << " checksums, self-test: " << (file.find(self_test_output) ? "yes" : "no") << '\n';
  if (!file.metadata(key_solver).empty())
    std::cout << "         a checkpoint: `alexnet train --resume` goes on\n";
}

// As a file of its own that trains the same network again.
int print_spec(NetSpec spec, const Model* model) {
  if (model && model->labels() != default_labels(spec.classes)) spec.labels = model->labels();
  if (!spec.input.mean_image.empty()) {  // a tensor of the weight file: its mean colour remains
    const MeanImage& mean = model->preprocessor().mean_image();
    const auto plane = static_cast<std::ptrdiff_t>(mean.size * mean.size);
    for (std::ptrdiff_t c = 0; c < 3; ++c)
      spec.input.mean[static_cast<size_t>(c)] =
          static_cast<float>(std::accumulate(mean.values.begin() + c * plane,
                                             mean.values.begin() + (c + 1) * plane, 0.0) /
                             static_cast<double>(plane));
    spec.input.mean_image.clear();
  }
  std::string text = to_json(spec, SpecPart::whole);
  if (text.size() > largest_spec) {
    message(cat("the labels are left out: with them the spec has ", text.size(),
                " bytes, and no command reads more than ", largest_spec));
    spec.labels.clear();
    text = to_json(spec, SpecPart::whole);
  }
  std::cout << text;
  return done;
}

int info(const InfoOptions& options) {
  const bool network = names_network(options.what);
  if (!network && (options.size != 0 || options.classes != 0))
    throw CLI::ValidationError(options.size != 0 ? "--size" : "--classes",
                               "is for networks, not for weight files");
  const auto model = network ? nullptr : Model::open(options.what);
  const NetSpec spec =
      network ? network_named(options.what, {options.classes, options.size, options.size})
              : model->spec();
  if (options.spec) return print_spec(spec, model.get());
  if (options.json) return print_json(to_json(spec, layer_table(spec)));
  print_network(spec);
  if (model) print_file(*model);
  return done;
}

}  // namespace

Command add_info(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("info", "Show a network or weight file: layers, sizes, costs, recipe");
  const auto options = std::make_shared<InfoOptions>();
  app->add_option("NAME|FILE", options->what,
                  "A weight file, a network's spec file, or one of " + joined(model_names()))
      ->required()
      ->type_name("");
  add_whole(*app, "--size", options->size, "Another side of the square input", 1, 16384);
  add_whole(*app, "--classes", options->classes, "Another number of classes", 1, max_classes);
  add_json(*app, options->json);
  app->add_flag("--spec", options->spec,
                "Print the network as a spec file, to be edited and given as --model")
      ->excludes("--json");
  return {app, [options] { return info(*options); }};
}

}  // namespace alx::cli
