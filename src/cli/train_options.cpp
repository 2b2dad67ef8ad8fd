#include "cli/train_options.h"

#include <algorithm>

#include "core/error.h"
#include "core/number.h"
#include "network/named.h"

namespace alx::cli {
namespace {

Recipe recipe_of(const TrainCommand& command, Recipe recipe) {
  if (command.given("--epochs")) recipe.epochs = command.epochs;
  if (command.given("--batch")) recipe.batch = command.batch;
  if (command.given("--lr")) recipe.rate = static_cast<float>(command.rate);
  if (command.given("--momentum")) recipe.momentum = static_cast<float>(command.momentum);
  if (command.given("--weight-decay")) recipe.decay = static_cast<float>(command.decay);
  if (command.given("--schedule")) recipe.schedule = command.schedule;
  if (command.given("--mean")) recipe.mean = mean_named(command.mean);
  return recipe;
}

Augment augment_of(const TrainCommand& command, const NetSpec& spec) {
  Augment augment = usual_augment(spec);
  if (command.given("--augment")) {
    const auto asked = [&](const char* what) {
      return std::find(command.augment.begin(), command.augment.end(), what) !=
             command.augment.end();
    };
    constexpr float paper_noise = 0.1f;
    augment.random_crop = asked("crop");
    augment.flip = asked("flip");
    augment.colour_noise = !asked("color")            ? 0
                           : augment.colour_noise > 0 ? augment.colour_noise
                                                      : paper_noise;
  }
  if (!augment.random_crop) augment.pad = 0;
  if (command.given("--pad")) augment.pad = command.pad;
  return augment;
}

// LAYER=FACTOR; the layer is empty where the text is something else.
std::pair<std::string, float> parse_layer_rate(const std::string& text) {
  const size_t equals = text.rfind('=');
  if (equals == text.npos) return {};
  const std::optional<float> factor =
      parse_number<float>(std::string_view(text).substr(equals + 1));
  if (!factor || !(*factor >= 0)) return {};
  return {text.substr(0, equals), *factor};
}

std::string check_layer_rate(std::string& text) {
  if (!parse_layer_rate(text).first.empty()) return "";
  return cat("must be LAYER=FACTOR with a factor of 0 or more, got '", text, "'");
}

std::string check_schedule(std::string& text) {
  try {
    Schedule{text};
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

void add_files(CLI::App& app, TrainCommand& command) {
  app.add_option(
         "--model", command.model,
         "The network: a name (see `alexnet info --help`) or a spec file; not with --resume")
      ->type_name("NAME|net.json");
  app.add_option("--data", command.data, data_help)->required()->type_name("DIR");
  app.add_option("--val", command.val, "A set to measure the accuracy on after each epoch")
      ->type_name("DIR");
  add_output(app, "--out", command.out,
             "The weight file to write in the end (.safetensors); NAME.checkpoint.safetensors lies "
             "beside it",
             "FILE", {".safetensors"})
      ->required();
  app.add_option("--resume", command.resume, "Go on with the run of this checkpoint")
      ->type_name("FILE");
  app.add_flag("--force", command.force,
               "Replace the checkpoint of an unfinished run that lies beside --out");
  app.add_option("--init", command.init,
                 "Start from these weights; of the last layer the classes of the same names stay, "
                 "the others are drawn")
      ->type_name("FILE");
  app.add_flag("--new-head", command.new_head, "Draw the whole last layer anew")
      ->needs(app.get_option("--init"));
  app.add_option("--log", command.log, "Write one row for each epoch")->type_name("FILE.csv");
  add_plot(app, command.plot, "Draw loss and error after each epoch");
  add_whole(app, "--checkpoint-every", command.checkpoint_every,
            "Steps between checkpoints; without it, once an epoch", 1, INT64_MAX);
  add_real(app, "--checkpoint-minutes", command.checkpoint_minutes,
           "Minutes between checkpoints instead", 0.001, 1e6)
      ->excludes(app.get_option("--checkpoint-every"));
  add_choice(app, "--store", command.store, "Stored type of --out: fp32, fp16 or bf16", "TYPE",
             {"fp32", "fp16", "bf16"});
}

void add_recipe(CLI::App& app, TrainCommand& command) {
  const std::string own = "; without it, the network's own (`alexnet info NAME`)";
  add_whole(app, "--epochs", command.epochs, "Passes over the data" + own, 1, 1'000'000);
  std::vector<CLI::Option*> fixed_by_checkpoint{
      add_whole(app, "--batch", command.batch, "Pictures of one step" + own, 1, 1'000'000),
      add_real(app, "--lr", command.rate, "Learning rate" + own, 1e-12, 1000),
      add_real(app, "--momentum", command.momentum, "Momentum" + own, 0, 0.999999),
      add_real(app, "--weight-decay", command.decay, "Weight decay" + own, 0, 1000),
      app.add_option("--schedule", command.schedule,
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
          "fixed|color|image", {"fixed", "color", "image"}),
      add_whole(app, "--pad", command.pad,
                "Border before a random crop; without it, 4 for inputs up to 64, else 0", 0, 1024),
      add_choice(app, "--dropout", command.dropout, "on or off", "on|off", {"on", "off"}),
      app.add_option("--layer-rates", command.rates,
                     "Factors of single layers' learning rates: conv1=0,fc8=10; 0 freezes, conv* "
                     "means all that begin so")
          ->type_name("LAYER=FACTOR,...")
          ->delimiter(',')
          ->allow_extra_args(false)
          ->check(CLI::Validator(check_layer_rate, "")),
      add_precision(app, command.precision, Phase::training, " (weights and sums stay fp32)"),
      add_whole(app, "--size", command.size, "Another side of the square input", 1, 16384),
      app.get_option("--init")};
  for (CLI::Option* option : fixed_by_checkpoint) option->excludes(app.get_option("--resume"));
}

}  // namespace

std::unique_ptr<Trainer> make_trainer(const TrainCommand& command,
                                      const std::shared_ptr<const Dataset>& data,
                                      const std::shared_ptr<const Dataset>& validation) {
  TrainOptions options;
  options.validation = validation;
  options.devices = command.device.devices;
  options.threads = command.device.threads;
  options.hybrid = command.parallel == "hybrid";
  if (!command.resume.empty()) {
    options.recipe.epochs = command.epochs;
    auto trainer = Trainer::resume(command.resume, data, options);
    check(command.model.empty() || command.model == trainer->spec().id, Code::invalid_argument,
          command.resume, " is a checkpoint of ", trainer->spec().id, ", not of ", command.model,
          "; leave --model out");
    return trainer;
  }
  const auto classes = static_cast<int64_t>(data->classes().size());
  const NetSpec spec = network_named(command.model, {classes, command.size, command.size});
  options.recipe = recipe_of(command, usual_recipe(spec, data->size(), command.given("--init")));
  check(options.recipe.batch <= data->size(), Code::invalid_argument, command.data, " has ",
        data->size(), " pictures, which do not fill one batch of ", options.recipe.batch,
        "; give a smaller --batch");
  options.augment = augment_of(command, spec);
  options.seed = static_cast<uint64_t>(command.seed);
  options.dropout = command.dropout == "on";
  options.precision = precision_named(command.precision);
  options.init = command.init;
  options.new_head = command.new_head;
  for (const std::string& text : command.rates) {
    const auto [layer, factor] = parse_layer_rate(text);
    options.layer_rates[layer] = factor;
  }
  return std::make_unique<Trainer>(spec, data, options);
}

void add_train_options(CLI::App& app, TrainCommand& command) {
  command.app = &app;
  add_files(app, command);
  add_recipe(app, command);
  add_device_options(app, command.device);
  add_choice(app, "--parallel", command.parallel,
             "What several devices of a one-column network share: data, each batch's pictures; or "
             "hybrid, pictures "
             "in the convolutions, units in the fully connected layers",
             "data|hybrid", {"data", "hybrid"});
}

}  // namespace alx::cli
