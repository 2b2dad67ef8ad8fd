#include "train/solver.h"

#include <cmath>

#include "core/error.h"
#include "core/log.h"
#include "graph/bounds.h"
#include "train/fingerprint.h"
#include "train/overrides.h"
#include "train/training_data.h"
#include "weights/format.h"
#include "weights/json.h"

namespace alx {
namespace {

using nlohmann::json;

constexpr size_t longest_solver = size_t{1} << 16;  // bytes; its texts stand in messages

json plateau_to_json(const Plateau& p, bool by_validation) {
  json saved = json::object();
  if (std::isfinite(p.best)) saved["best"] = p.best;
  saved["epochs_without"] = p.epochs_without;
  saved["factor"] = p.factor;
  saved["judged_step"] = p.judged_step;
  saved["loss_sum"] = p.loss_sum;
  saved["by_validation"] = by_validation;
  return saved;
}

Plateau plateau_from_json(const json& saved, bool by_validation, const std::string& path) {
  check(saved.at("by_validation").get<bool>() == by_validation, Code::invalid_argument, path,
        ": its plateau schedule ", "watches ",
        by_validation ? "the training loss" : "validation data", ": resume ",
        by_validation ? "without" : "with", " validation data");
  Plateau p;
  p.best = saved.value("best", p.best);
  saved.at("epochs_without").get_to(p.epochs_without);
  saved.at("factor").get_to(p.factor);
  saved.at("judged_step").get_to(p.judged_step);
  saved.at("loss_sum").get_to(p.loss_sum);
  return p;
}

json best_to_json(const BestEpoch& best) {
  json saved = json::object();
  saved["top1"] = best.top1;
  saved["step"] = best.step;
  saved["judged_step"] = best.judged_step;
  if (!best.pictures.empty()) saved["pictures"] = json::parse(best.pictures);
  return saved;
}

BestEpoch best_from_json(const json& saved) {
  BestEpoch best;
  saved.at("top1").get_to(best.top1);
  saved.at("step").get_to(best.step);
  saved.at("judged_step").get_to(best.judged_step);
  if (saved.contains("pictures")) best.pictures = saved.at("pictures").dump();
  return best;
}

// Rates over other pictures say nothing of which epoch is better.
BestEpoch best_of(const BestEpoch& best, const TrainOptions& options, const std::string& file) {
  if (best.pictures.empty() || !options.validation) return best;
  const Document document{json::parse(best.pictures)};
  const std::string difference = difference_from(document.json, *options.validation);
  if (difference.empty()) return best;
  log_line(LogLevel::warning, cat("the validation data are not those that the best epoch of ", file,
                                  " was chosen by: ", difference, "; the best is chosen anew"));
  return {};
}

// The run's own share is split off whatever else is asked for: what it learns from must stay the
// same.
void take_share(double saved, TrainOptions& options, const std::string& path) {
  const double asked = options.validation_share;
  check(saved > 0 || asked == 0, Code::invalid_argument, path,
        " is of a run that learns from all of its pictures: none can be split off any more; "
        "measure it by other ones");
  if (asked > 0 && asked != saved)
    log_line(LogLevel::warning, cat(path, " measures by a share of ", saved,
                                    " of its pictures, and goes on so, not by ", asked));
  if (saved > 0 && options.validation)
    log_line(LogLevel::warning,
             cat(path, " is of a run that measures by a share of ", saved,
                 " of its pictures: it is measured by the ones that are given instead, and goes on "
                 "to learn from the others of its own alone"));
  check(saved == 0 || bounds::validation_share.holds(saved), Code::bad_file, path, ": ", key_solver,
        " is damaged: validation_share is ", saved);
  options.validation_share = saved;
}

// What every checkpoint holds of a run's options, by name: visit(name, value).
template <class Options, class Visit>
void each_option(Options& options, const Visit& visit) {
  auto& recipe = options.recipe;
  visit("seed", options.seed);
  visit("batch", recipe.batch);
  visit("epochs", recipe.epochs);
  visit("rate", recipe.rate);
  visit("momentum", recipe.momentum);
  visit("decay", recipe.decay);
  visit("schedule", recipe.schedule);
  visit("rate_in_velocity", recipe.rate_in_velocity);
  visit("label_smoothing", options.label_smoothing);
  visit("dropout", options.dropout);
}
template <class Varied, class Visit>
void each_variation(Varied& augment, const Visit& visit) {
  visit("random_crop", augment.random_crop);
  visit("flip", augment.flip);
  visit("pad", augment.pad);
  visit("shared", augment.shared);
}

}  // namespace

std::string to_json(const TrainOptions& options, const Standing& at, const Dataset& data,
                    bool by_plateau) {
  Document document{json::object()};
  json& solver = document.json;
  solver["step"] = at.step;
  solver["images"] = data.size();
  each_option(options, [&](const char* name, const auto& value) { solver[name] = value; });
  if (options.balance_classes) solver["class_weights"] = class_weight_words[1];
  if (options.freeze) solver["freeze"] = freeze_words[1];
  if (options.validation_share > 0) solver["validation_share"] = options.validation_share;
  solver["precision"] = name_of(options.precision);
  if (at.scale.factor != 1)
    solver["loss_scale"] = {{"factor", at.scale.factor}, {"good_steps", at.scale.good_steps}};
  if (!options.layer_rates.empty()) solver["layer_rates"] = options.layer_rates;
  solver["devices"] = options.devices;
  solver["threads"] = options.threads;
  solver["plan"] = at.plan;
  json& augment = solver["augment"] = json::object();
  each_variation(options.augment,
                 [&](const char* name, const auto& value) { augment[name] = value; });
  augment["colour_noise"] = options.augment.colour_noise;
  augment["colour_divides"] = options.augment.colour_divides;
  if (by_plateau) solver["plateau"] = plateau_to_json(at.plateau, options.validation != nullptr);
  if (at.best.top1 >= 0) solver["best"] = best_to_json(at.best);
  return solver.dump();
}

Standing read_solver(const WeightFile& file, TrainOptions& options,
                     std::shared_ptr<const Dataset>& data) {
  const std::string text = file.metadata(key_solver);
  check(!text.empty(), Code::bad_file, file.path(),
        " is a weight file and no checkpoint (it has no ", key_solver,
        "): start from it as initial weights instead");
  check(text.size() <= longest_solver, Code::bad_file, file.path(), ": ", key_solver, " has over ",
        longest_solver, " bytes: it is damaged");
  try {
    const Document document{parse_json(text, cat(file.path(), ": ", key_solver), file.limits())};
    const json& solver = document.json;
    Standing at;
    const int64_t epochs = options.recipe.epochs, images = solver.at("images");
    solver.at("seed").get_to(options.seed);
    take_share(solver.value("validation_share", 0.0), options, file.path());
    data = training_part(std::move(data), options);
    check(images == data->size(), Code::invalid_argument, file.path(),
          " was written while training on ", images, " images, the data has ", data->size(),
          ": resume with the same data");
    each_option(options, [&](const char* name, auto& value) { solver.at(name).get_to(value); });
    options.balance_classes = balances(solver.value("class_weights", class_weight_words[0]));
    options.freeze = freezes(solver.value("freeze", freeze_words[0]));
    // older checkpoints name none
    options.precision = precision_named(solver.value("precision", "fp32"));
    if (solver.contains("loss_scale")) {
      solver.at("loss_scale").at("factor").get_to(at.scale.factor);
      solver.at("loss_scale").at("good_steps").get_to(at.scale.good_steps);
    }
    options.layer_rates = solver.value("layer_rates", std::map<std::string, float>());
    const json& augment = solver.at("augment");
    each_variation(options.augment,
                   [&](const char* name, auto& value) { augment.at(name).get_to(value); });
    // older checkpoints have none
    options.augment.colour_noise = augment.value("colour_noise", 0.0f);
    options.augment.colour_divides = augment.value("colour_divides", false);
    solver.at("plan").get_to(at.plan);
    if (solver.contains("plateau"))
      at.plateau =
          plateau_from_json(solver.at("plateau"), options.validation != nullptr, file.path());
    if (solver.contains("best"))
      at.best = best_of(best_from_json(solver.at("best")), options, file.path());
    if (epochs > 0) options.recipe.epochs = epochs;
    solver.at("step").get_to(at.step);
    return at;
  } catch (const json::exception& error) {
    fail(Code::bad_file, file.path(), ": ", key_solver, " is damaged: ", error.what());
  }
}

}  // namespace alx
