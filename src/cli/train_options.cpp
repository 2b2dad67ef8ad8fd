#include "cli/train_options.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/number.h"
#include "core/path.h"
#include "data/split.h"
#include "network/named.h"

namespace alx::cli {
namespace {

template <class To>
struct Plain {
  using type = To;
};
template <class To>
struct Plain<std::optional<To>> {
  using type = To;
};

// An option for a number inside a bound, which its help shows; `rest` ends the sentence.
template <class To, class Number>
CLI::Option* add_number(CLI::App& app, const std::string& name, To& to, const std::string& what,
                        const Bound<Number>& bound, const std::string& rest = "") {
  const auto set = [&to](const Number& value) {
    to = static_cast<typename Plain<To>::type>(value);
  };
  return app.add_option_function<Number>(name, set, cat(what, " (", bound.range(), ")", rest))
      ->type_name(std::is_integral_v<Number> ? "N" : "X")
      ->transform(within(bound));
}

// LAYER=FACTOR; the layer is empty where the text is something else.
std::pair<std::string, float> parse_layer_rate(const std::string& text) {
  const size_t equals = text.rfind('=');
  if (equals == text.npos) return {};
  const std::optional<float> factor =
      parse_number<float>(std::string_view(text).substr(equals + 1));
  if (!factor || !bounds::layer_rate.holds(*factor)) return {};
  return {text.substr(0, equals), *factor};
}

std::string check_layer_rate(std::string& text) {
  if (!parse_layer_rate(text).first.empty()) return "";
  return cat("must be LAYER=FACTOR with a factor in ", bounds::layer_rate.range(), ", got '", text,
             "'");
}

std::string check_schedule(std::string& text) {
  try {
    Schedule{text};
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

std::optional<double> number_in(const std::string& text) {
  const std::optional<double> number = parse_number<double>(text);
  return number && std::isfinite(*number) ? number : std::nullopt;  // a folder may be called "nan"
}

// A number is a share, never a folder.
std::string check_share(std::string& text) {
  const std::optional<double> share = number_in(text);
  if (!share || bounds::validation_share.holds(*share)) return "";
  return cat("as a share of the pictures must lie in ", bounds::validation_share.range(), ", got ",
             text, "; a folder of that name is ./", text);
}

void add_files(CLI::App& app, TrainCommand& command) {
  app.add_option(
         "--model", command.model,
         "The network: a name (see `alexnet info --help`) or a spec file; not with --resume")
      ->type_name("NAME|net.json");
  app.add_option("--data", command.data, data_help)->required()->type_name("DIR");
  app.add_option(
         "--val", command.val,
         cat("A set to measure the accuracy on after each epoch; or a share (",
             bounds::validation_share.range(),
             ") of the pictures of each class, drawn by --seed and not trained on (a folder "
             "of that name is ./0.1); with --resume the run's own share needs no --val"))
      ->type_name("DIR|SHARE")
      ->check(CLI::Validator(check_share, ""));
  add_output(app, "--out", command.out,
             "The weight file to write in the end (.safetensors); NAME.checkpoint.safetensors lies "
             "beside it",
             "FILE", {".safetensors"})
      ->required();
  app.add_option("--resume", command.resume, "Go on with the run of this checkpoint")
      ->type_name("FILE");
  app.add_flag("--force", command.force,
               "Replace the checkpoint of an unfinished run that lies beside --out");
  app.add_option("--init", command.overrides.plain.init,
                 "Start from these weights, or from those that come with the library "
                 "(alexnet-cifar10; a file of that name is ./NAME); of the last layer the classes "
                 "of the same names stay, the others are drawn")
      ->type_name("NAME|FILE");
  app.add_flag("--new-head", command.overrides.plain.new_head, "Draw the whole last layer anew")
      ->needs(app.get_option("--init"));
  app.add_option("--log", command.log, "Write one row for each epoch")->type_name("FILE.csv");
  add_plot(app, command.plot, "Draw loss and error after each epoch");
  app.add_flag("--best", command.best,
               "Keep the weights of the epoch with the highest top 1 of --val, in "
               "NAME.best.safetensors beside --out");
  add_number(app, "--checkpoint-every", command.checkpoint_every, "Steps between checkpoints",
             bounds::checkpoint_steps, "; without it, once an epoch");
  add_number(app, "--checkpoint-minutes", command.checkpoint_minutes,
             "Minutes between checkpoints instead", bounds::checkpoint_minutes)
      ->excludes(app.get_option("--checkpoint-every"));
  add_choice(app, "--store", command.store, "Stored type of --out: fp32, fp16 or bf16", "TYPE",
             {"fp32", "fp16", "bf16"});
}

void add_recipe(CLI::App& app, TrainCommand& command) {
  const std::string own = "; without it, the network's own (`alexnet info NAME`)";
  Overrides& to = command.overrides;
  add_number(app, "--epochs", to.epochs, "Passes over the data", bounds::epochs, own);
  std::vector<CLI::Option*> fixed_by_checkpoint{
      add_number(app, "--batch", to.batch, "Pictures of one step", bounds::batch, own),
      add_number(app, "--lr", to.rate, "Learning rate", bounds::rate, own),
      add_number(app, "--momentum", to.momentum, "Momentum", bounds::momentum, own),
      add_number(app, "--weight-decay", to.decay, "Weight decay", bounds::decay, own),
      app.add_option("--schedule", to.schedule,
                     "constant, cosine, step:EVERY:FACTOR, steps:E1,E2,...:FACTOR, in epochs, or "
                     "plateau:FACTOR:PATIENCE, by "
                     "--val or else by the training loss" +
                         own)
          ->type_name("TEXT")
          ->check(CLI::Validator(check_schedule, "")),
      add_whole(app, "--seed", command.seed, "Of every random draw", 0, INT64_MAX)
          ->capture_default_str(),
      app.add_option(
             "--augment", command.augment,
             "Random changes of the pictures: crop, flip and color, with commas between, or none" +
                 own)
          ->type_name("WHAT")
          ->delimiter(',')
          ->allow_extra_args(false)
          ->check(one_of({"none", "crop", "flip", "color"})),
      add_choice(
          app, "--mean", command.mean,
          "What is subtracted: the set's mean colour or image, or what is fixed for the network" +
              own,
          "fixed|color|image", {mean_words.begin(), mean_words.end()}),
      add_number(app, "--pad", to.pad, "Border before a random crop", bounds::pad,
                 "; without it, 4 for inputs up to 64, else 0"),
      add_number(app, "--label-smoothing", to.plain.label_smoothing,
                 "Share of each label that is spread over all classes", bounds::label_smoothing,
                 "; without it, 0"),
      add_choice(
          app, "--class-weights", command.class_weights,
          "balanced: a picture counts by N / (K n), of N pictures in K classes n in its own, "
          "so that rare classes are learned as well",
          "none|balanced", {class_weight_words.begin(), class_weight_words.end()}),
      add_choice(app, "--dropout", command.dropout, "on or off", "on|off", {"on", "off"}),
      add_choice(app, "--freeze", command.freeze,
                 "all-but-last: of --init only the last layer learns; what the others make of each "
                 "picture is computed once, and pictures are not varied",
                 "none|all-but-last", {freeze_words.begin(), freeze_words.end()})
          ->needs(app.get_option("--init")),
      app.add_option("--layer-rates", command.rates,
                     "Factors of single layers' learning rates: conv1=0,fc8=10; 0 freezes, conv* "
                     "means all that begin so")
          ->type_name("LAYER=FACTOR,...")
          ->delimiter(',')
          ->allow_extra_args(false)
          ->check(CLI::Validator(check_layer_rate, "")),
      add_precision(app, command.precision, Phase::training, " (weights and sums stay fp32)"),
      add_number(app, "--size", to.side, "Another side of the square input", bounds::side),
      app.get_option("--init")};
  for (CLI::Option* option : fixed_by_checkpoint) option->excludes(app.get_option("--resume"));
}

// What is too large for memory lies beside the result, on a disk that has room for large things.
std::string folder_of_file(const std::string& file) {
  const std::string folder = to_utf8(to_path(file).parent_path());
  return folder.empty() ? "." : folder;
}

}  // namespace

std::optional<double> validation_share(const TrainCommand& command) {
  return number_in(command.val);
}

Overrides overrides_of(const TrainCommand& command, const NetSpec& spec) {
  Overrides overrides = command.overrides;
  if (command.given("--mean")) overrides.mean = mean_named(command.mean);
  if (command.given("--augment")) name_augmentation(overrides, command.augment, spec);
  TrainOptions& plain = overrides.plain;
  plain.seed = static_cast<uint64_t>(command.seed);
  plain.dropout = command.dropout == "on";
  plain.balance_classes = balances(command.class_weights);
  plain.freeze = freezes(command.freeze);
  plain.validation_share = validation_share(command).value_or(0);
  plain.cache_folder = folder_of_file(command.out);
  plain.precision = precision_named(command.precision);
  for (const std::string& text : command.rates) {
    const auto [layer, factor] = parse_layer_rate(text);
    plain.layer_rates[layer] = factor;
  }
  plain.devices = command.device.devices;
  plain.threads = command.device.threads;
  plain.hybrid = command.parallel == "hybrid";
  return overrides;
}

std::unique_ptr<Trainer> make_trainer(const TrainCommand& command,
                                      const std::shared_ptr<const Dataset>& data,
                                      const std::shared_ptr<const Dataset>& validation) {
  if (!command.resume.empty()) {
    TrainOptions options = options_to_resume(overrides_of(command, {}));
    options.validation = validation;
    auto trainer = Trainer::resume(command.resume, data, options);
    check(command.model.empty() || command.model == trainer->spec().id, Code::invalid_argument,
          command.resume, " is a checkpoint of ", trainer->spec().id, ", not of ", command.model,
          "; leave --model out");
    return trainer;
  }
  const auto classes = static_cast<int64_t>(data->classes().size());
  const int64_t side = command.overrides.side;
  const NetSpec spec = network_named(command.model, {classes, side, side});
  TrainOptions options = options_for(spec, *data, overrides_of(command, spec));
  options.validation = validation;
  const int64_t pictures = training_pictures(*data, options.validation_share);
  check(options.recipe.batch <= pictures, Code::invalid_argument, command.data, " has ", pictures,
        " pictures", options.validation_share > 0 ? " left to learn from" : "",
        ", which do not fill one batch of ", options.recipe.batch, "; give a smaller --batch");
  return std::make_unique<Trainer>(spec, data, options);
}

void add_train_options(CLI::App& app, TrainCommand& command) {
  command.app = &app;
  add_files(app, command);
  add_recipe(app, command);
  add_device_options(app, command.device);
  add_number(app, "--data-threads", command.overrides.plain.data_threads,
             "Threads that read pictures meanwhile", bounds::data_threads,
             "; 0 reads them between the steps, and without it there is one");
  add_choice(app, "--parallel", command.parallel,
             "What several devices of a one-column network share: data, each batch's pictures; or "
             "hybrid, pictures "
             "in the convolutions, units in the fully connected layers",
             "data|hybrid", {"data", "hybrid"});
}

}  // namespace alx::cli
