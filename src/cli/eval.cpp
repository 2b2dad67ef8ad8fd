#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "core/percent.h"
#include "network/evaluate.h"

namespace alx::cli {
namespace {

struct EvalOptions {
  std::vector<std::string> models;
  std::string data, part = "test", precision = "fp32";
  DeviceOptions device;
  int crops = 1;
  bool json = false;
};

Evaluation evaluate_models(const EvalOptions& options) {
  const auto data = Dataset::open(options.data, options.part);
  SessionOptions wanted;
  wanted.devices = options.device.devices;
  wanted.threads = options.device.threads;
  wanted.precision = precision_of(options.precision);
  wanted.batch = std::min<int64_t>(max_batch, std::min<int64_t>(data->size(), max_batch) * options.crops);
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<Session*> all;
  for (const std::string& model : options.models)
    all.push_back(sessions.emplace_back(std::make_unique<Session>(Model::open(model), wanted)).get());

  ProgressBar bar(std::cerr, terminal_of(stderr), static_cast<uint64_t>(data->size()));
  EvaluateOptions how;
  how.crops = options.crops;
  how.progress = [&](int64_t images, int64_t) { bar.set(static_cast<uint64_t>(images), "images"); };
  how.on_broken = [&](const std::string& name, const std::string& why) {
    bar.clear();
    message("warning: " + name + " is skipped: " + why);
  };
  const Evaluation result = evaluate(all, *data, how);
  bar.clear();
  return result;
}

int eval(const EvalOptions& options) {
  const Evaluation result = evaluate_models(options);
  if (options.json) {
    print_json({{"images", result.images},
                {"top1", result.top1},
                {"top5", result.top5},
                {"top1_error", 1 - result.top1},
                {"top5_error", 1 - result.top5},
                {"loss", result.loss}});
    return done;
  }
  print_table({{"", "right", "error"},
               {"top 1", percent_text(result.top1), percent_text(1 - result.top1)},
               {"top 5", percent_text(result.top5), percent_text(1 - result.top5)}},
              "lrr");
  std::cout << "loss " << fixed(result.loss, 4) << " over " << grouped(result.images) << " images";
  if (result.broken > 0) std::cout << "; " << grouped(result.broken) << " could not be read";
  std::cout << '\n';
  return done;
}

}  // namespace

Command add_eval(CLI::App& program) {
  CLI::App* app = program.add_subcommand("eval", "Measure the accuracy over a labelled set");
  const auto options = std::make_shared<EvalOptions>();
  app->add_option("--model", options->models, "A weight file; given several times, the mean of their answers counts")
      ->required()
      ->type_name("FILE")
      ->allow_extra_args(false);
  app->add_option("--data", options->data,
                  "A folder of class folders, or of train and test with them; CIFAR-10 binary or idx files")
      ->required()
      ->type_name("DIR");
  app->add_option("--part", options->part, "Of a folder that holds both: train or test")
      ->type_name("PART")
      ->check(one_of({"train", "test"}))
      ->capture_default_str();
  add_crops(*app, options->crops);
  add_device_options(*app, options->device);
  add_precision(*app, options->precision);
  add_json(*app, options->json);
  return {app, [options] { return eval(*options); }};
}

}  // namespace alx::cli
