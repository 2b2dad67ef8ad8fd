#include <algorithm>
#include <chrono>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "backends/registry.h"
#include "cli/bench_layers.h"
#include "cli/commands.h"
#include "cli/system.h"
#include "core/error.h"
#include "core/median.h"
#include "core/number.h"
#include "core/random.h"
#include "network/named.h"
#include "network/session.h"
#include "train/trainer.h"

namespace alx::cli {
namespace {

struct BenchOptions {
  std::string model = "alexnet", precision = "fp32";
  DeviceOptions device;
  int64_t batch = 1, size = 0;
  double seconds = 2;
  bool train = false, json = false, plan = false, layers = false;
};

// Pictures of noise, the same in every run.
class NoiseData final : public Dataset {
 public:
  NoiseData(const NetSpec& spec, int64_t size) : spec_(spec), size_(size) {
    for (int64_t i = 0; i < spec.classes; ++i) classes_.push_back(cat("class ", i));
  }
  int64_t size() const override { return size_; }
  int64_t label(int64_t i) const override { return i % spec_.classes; }
  std::string name(int64_t i) const override { return cat("noise ", i); }
  Image image(int64_t i, int64_t) const override {
    Image image = black_image(spec_.input.width, spec_.input.height);
    const Random random(1, hash_name("bench"), static_cast<uint64_t>(i));
    for (size_t at = 0; at < image.pixels.size(); ++at)
      image.pixels[at] = static_cast<uint8_t>(random.words(at)[0]);
    return image;
  }

 private:
  const NetSpec& spec_;
  int64_t size_;
};

// A network without weights is measured with drawn ones.
std::shared_ptr<const Model> open_model(const std::string& name, int64_t size) {
  if (names_network(name))
    return Model::of(network_named(name, {0, size, size}), random_weights(1));
  if (size != 0) throw CLI::ValidationError("--size", "is for networks, not for weight files");
  return Model::open(name);
}

// Of one batch: pictures in, probabilities out.
double inference_seconds(const BenchOptions& options, const std::shared_ptr<const Model>& model) {
  SessionOptions wanted = session_options(options.device, options.precision);
  wanted.batch = options.batch;
  Session session(model, wanted);
  if (options.plan) std::cout << session.network().describe() << '\n';
  std::vector<float> images(static_cast<size_t>(element_count(session.network().input_shape())));
  const Random random(1, hash_name("bench"), 0);
  for (size_t i = 0; i < images.size(); ++i) images[i] = random.uniform(i) - 0.5f;
  return median_seconds(options.seconds, [&] {
    const auto begin = std::chrono::steady_clock::now();
    session.run(images);
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  });
}

// Of one step: forward, backward and update over one batch that stays the same, without the wait
// for data.
double training_seconds(const BenchOptions& options, const Model& model) {
  NetSpec spec = model.spec();
  spec.input.resize = InputSpec::Resize::none;  // the noise comes in the input's own size
  spec.input.mean_image.clear();
  TrainOptions wanted;
  wanted.recipe = spec.recipe;
  wanted.recipe.mean = Recipe::Mean::fixed;  // noise has none to measure
  wanted.recipe.batch = options.batch;
  wanted.recipe.epochs = 1'000'000'000;  // ends by time
  wanted.recipe.rate = 1e-6f;            // noise teaches nothing; larger steps could only diverge
  wanted.recipe.schedule = "constant";
  wanted.devices = options.device.devices;
  wanted.threads = options.device.threads;
  wanted.precision = precision_named(options.precision);
  wanted.augment = {.random_crop = false, .flip = false};
  wanted.tells = false;
  if (model.file()) wanted.init = model.file()->path();
  Trainer trainer(spec, std::make_shared<NoiseData>(spec, options.batch), wanted);
  return median_seconds(options.seconds, [&] { return trainer.timed_step(); });
}

// A network alone, in training with its loss and without the update.
Exit layers(const BenchOptions& options, const Model& model) {
  NetworkOptions wanted;
  wanted.batch = options.batch;
  wanted.precision = precision_named(options.precision);
  if (options.train) wanted.phase = Phase::training;
  wanted.loss = options.train;
  wanted.runs = false;
  Network network(model.spec(), open_devices(options.device.devices, options.device.threads),
                  wanted);
  model.load(network);
  return bench_layers(network, model.spec(), options.batch, options.seconds, options.json);
}

int bench(const BenchOptions& options) {
  const auto model = open_model(options.model, options.size);
  if (options.layers) return layers(options, *model);
  const double seconds =
      options.train ? training_seconds(options, *model) : inference_seconds(options, model);
  const double rate = static_cast<double>(options.batch) / seconds;
  if (options.json)
    return print_json({{"model", model->spec().id},
                       {"batch", options.batch},
                       {"precision", options.precision},
                       {"mode", options.train ? "train" : "infer"},
                       {"median_ms", seconds * 1e3},
                       {"images_per_second", rate},
                       {"peak_rss_mb", peak_rss_mb()}});
  std::cout << model->spec().id << ", batch " << options.batch << ", " << options.precision << ", "
            << (options.train ? "training step" : "inference") << ": " << fixed(seconds * 1e3, 2)
            << " ms, " << fixed(rate, 1) << " images/s, at most " << fixed(peak_rss_mb(), 0)
            << " MB of memory\n";
  return done;
}

}  // namespace

Command add_bench(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("bench", "Measure the speed: the median time of one batch");
  const auto options = std::make_shared<BenchOptions>();
  app->add_option("--model", options->model, "A network (its weights are drawn) or a weight file")
      ->type_name("NAME|FILE")
      ->capture_default_str();
  add_whole(*app, "--batch", options->batch, "Images at once", 1, 65536)->capture_default_str();
  add_whole(*app, "--size", options->size, "Another side of the square input", 1, 16384);
  add_precision(*app, options->precision);
  add_device_options(*app, options->device);
  add_real(*app, "--seconds", options->seconds, "How long to measure", 0, 86400)
      ->capture_default_str();
  CLI::Option* train = app->add_flag("--train", options->train, "Measure training steps");
  add_json(*app, options->json);
  app->add_flag("--plan", options->plan, "Print the kernels that run, too")
      ->excludes(app->get_option("--json"))
      ->excludes(train);
  app->add_flag("--layers", options->layers, "Measure each layer by itself")
      ->excludes(app->get_option("--plan"));
  return {app, [options] { return bench(*options); }};
}

}  // namespace alx::cli
