#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "core/number.h"
#include "network/evaluate.h"
#include "plot/plot.h"

namespace alx::cli {
namespace {

struct EvalOptions {
  std::vector<std::string> models;
  std::string data, part = "test", precision = "fp32";
  DeviceOptions device;
  int crops = 1;
  bool json = false;
  std::string plot;
};

constexpr size_t most_shown = 40;    // classes; --json has them all
constexpr size_t most_drawn = 4096;  // classes: beyond, none has a pixel of its own

// What one class's pictures were taken for.
struct ClassResult {
  int64_t images = 0, right = 0;
  int64_t taken_for = 0;  // the most frequent wrong answer
  int64_t taken = 0;
};

ClassResult class_result(const Evaluation& result, int64_t truth) {
  ClassResult of;
  for (auto entry = result.confusion.lower_bound({truth, 0}); entry != result.confusion.end();
       ++entry) {
    const auto& [place, images] = *entry;
    if (place.first != truth) break;
    of.images += images;
    if (place.second == truth) {
      of.right = images;
    } else if (images > of.taken) {
      of.taken = images;
      of.taken_for = place.second;
    }
  }
  return of;
}

void draw(const std::string& path, const Evaluation& result,
          const std::vector<std::string>& labels) {
  std::vector<int64_t> images(labels.size() * labels.size());
  for (const auto& [place, count] : result.confusion)
    images[static_cast<size_t>(place.first) * labels.size() + static_cast<size_t>(place.second)] =
        count;
  plot_confusion(path,
                 cat(percent_text(result.top1), " of ", grouped(result.images), " images right"),
                 {labels, std::move(images)});
}

double share(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

Evaluation evaluate_models(const EvalOptions& options, std::vector<std::string>& labels) {
  const auto data = Dataset::open(options.data, options.part);
  SessionOptions wanted = session_options(options.device, options.precision);
  wanted.batch =
      std::min<int64_t>(max_batch, std::min<int64_t>(data->size(), max_batch) * options.crops);
  std::vector<std::unique_ptr<Session>> sessions;
  std::vector<Session*> all;
  for (const std::string& model : options.models)
    all.push_back(
        sessions.emplace_back(std::make_unique<Session>(Model::open(model), wanted)).get());
  labels = all.front()->model().labels();
  check(options.plot.empty() || labels.size() <= most_drawn, Code::invalid_argument, "a matrix of ",
        labels.size(), " classes cannot be drawn, ", most_drawn, " can; leave --plot out");

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

nlohmann::json classes_json(const Evaluation& result, const std::vector<std::string>& labels) {
  nlohmann::json list = nlohmann::json::array();
  for (size_t i = 0; i < labels.size(); ++i) {
    const ClassResult of = class_result(result, static_cast<int64_t>(i));
    if (of.images > 0)
      list.push_back({{"index", i},
                      {"label", labels[i]},
                      {"images", of.images},
                      {"top1", share(of.right, of.images)}});
  }
  return list;
}

void print_classes(const Evaluation& result, const std::vector<std::string>& labels) {
  std::vector<std::vector<std::string>> rows{{"class", "images", "right", "most often taken for"}};
  for (size_t i = 0; i < labels.size(); ++i) {
    const ClassResult of = class_result(result, static_cast<int64_t>(i));
    if (of.images == 0) continue;
    rows.push_back({printable(labels[i]), grouped(of.images),
                    percent_text(share(of.right, of.images)),
                    of.taken > 0 ? cat(printable(labels[static_cast<size_t>(of.taken_for)]), ", ",
                                       percent_text(share(of.taken, of.images)))
                                 : ""});
  }
  if (rows.size() - 1 > most_shown) return;
  std::cout << '\n';
  print_table(rows, "lrrl");
}

int eval(const EvalOptions& options) {
  if (!options.plot.empty()) check_writable(options.plot);
  std::vector<std::string> labels;
  const Evaluation result = evaluate_models(options, labels);
  if (!options.plot.empty()) draw(options.plot, result, labels);
  if (options.json)
    return print_json({{"images", result.images},
                       {"top1", result.top1},
                       {"top5", result.top5},
                       {"top1_error", 1 - result.top1},
                       {"top5_error", 1 - result.top5},
                       {"loss", result.loss},
                       {"classes", classes_json(result, labels)}});
  print_table({{"", "right", "error"},
               {"top 1", percent_text(result.top1), percent_text(1 - result.top1)},
               {"top 5", percent_text(result.top5), percent_text(1 - result.top5)}},
              "lrr");
  std::cout << "loss " << fixed(result.loss, 4) << " over " << grouped(result.images) << " images";
  if (result.broken > 0) std::cout << "; " << grouped(result.broken) << " could not be read";
  std::cout << '\n';
  print_classes(result, labels);
  return done;
}

}  // namespace

Command add_eval(CLI::App& program) {
  CLI::App* app = program.add_subcommand("eval", "Measure the accuracy over a labelled set");
  const auto options = std::make_shared<EvalOptions>();
  app->add_option("--model", options->models,
                  "A weight file; given several times, the mean of their answers counts")
      ->required()
      ->type_name("FILE")
      ->allow_extra_args(false);
  app->add_option("--data", options->data, data_help)->required()->type_name("DIR");
  add_choice(*app, "--part", options->part, "Of a folder that holds both: train or test", "PART",
             {"train", "test"});
  add_crops(*app, options->crops);
  add_device_options(*app, options->device);
  add_precision(*app, options->precision);
  add_json(*app, options->json);
  add_plot(*app, options->plot, "Draw the confusion matrix");
  return {app, [options] { return eval(*options); }};
}

}  // namespace alx::cli
