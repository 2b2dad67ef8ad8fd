#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/system.h"
#include "cli/terminal.h"
#include "network/bundled.h"
#include "network/write_index.h"

namespace alx::cli {
namespace {

struct FeatureOptions {
  std::string what, model = bundled_network, layer, out, precision = "fp32";
  DeviceOptions device;
  bool json = false;
};

void report(const FeatureOptions& options, const Model& model, const FeatureSource& source,
            int64_t skipped) {
  const auto pictures = static_cast<int64_t>(source.images.size());
  if (options.json) {
    print_json({{"model", model.spec().id},
                {"layer", source.layer},
                {"shape", source.shape},
                {"images", pictures},
                {"skipped", skipped},
                {"out", options.out}});
    return;
  }
  std::cout << printable(options.out) << ": " << grouped(pictures)
            << (pictures == 1 ? " picture" : " pictures") << ", " << printable(source.layer)
            << " of " << model.spec().id << ", " << to_string(source.shape) << " numbers each";
  if (skipped > 0) std::cout << "; " << grouped(skipped) << " could not be read";
  std::cout << '\n';
}

int features(const FeatureOptions& options) {
  const auto model = Model::open(options.model);
  check_writable(options.out);
  FeatureSource source = source_of(*model, options.model);
  source.precision = options.precision;
  source.layer = options.layer.empty() ? feature_layer(model->spec()) : options.layer;
  const IndexedPictures pictures = pictures_to_index(options.what);
  for (const std::string& name : pictures.skipped)
    message("warning: " + name + " is skipped: its name is not UTF-8");
  auto skipped = static_cast<int64_t>(pictures.skipped.size());
  const auto count = static_cast<int64_t>(pictures.names.size());
  SessionOptions wanted = session_options(options.device, options.precision);
  wanted.batch = std::min<int64_t>(max_batch, count);
  wanted.outputs = {source.layer};
  Session session(model, wanted);
  catch_stop_signals();
  ProgressBar bar(std::cerr, terminal_of(stderr), static_cast<uint64_t>(count));
  IndexWatch watch;
  watch.progress = [&](int64_t done, int64_t) { bar.set(static_cast<uint64_t>(done), "pictures"); };
  watch.cancelled = stop_requested;
  watch.on_broken = [&](const std::string& why) {
    bar.clear();
    message("warning: skipped: " + why);
    ++skipped;
  };
  source = write_index(options.out, session, std::move(source), pictures, watch);
  bar.clear();
  report(options, *model, source, skipped);
  return done;
}

}  // namespace

Command add_features(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "features", "Write what a layer answers to pictures, for search and for Python");
  const auto options = std::make_shared<FeatureOptions>();
  app->add_option("IMAGE|DIR", options->what,
                  "A picture, or a folder: all pictures below it, sorted by name")
      ->required()
      ->type_name("");
  add_model(*app, options->model);
  app->add_option("--layer", options->layer,
                  "A layer of `alexnet info`, or its usual name, as fc7; without it, what the last "
                  "fully connected "
                  "layer reads")
      ->type_name("NAME");
  add_output(*app, "--out", options->out, "The file to write", "FILE.safetensors", {".safetensors"})
      ->required();
  add_device_options(*app, options->device);
  add_precision(*app, options->precision);
  add_json(*app, options->json);
  return {app, [options] { return features(*options); }};
}

}  // namespace alx::cli
