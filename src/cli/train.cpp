#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "cli/signals.h"
#include "cli/system.h"
#include "cli/terminal.h"
#include "cli/train_log.h"
#include "core/error.h"
#include "core/path.h"
#include "core/percent.h"
#include "models/zoo.h"
#include "train/trainer.h"

namespace alx::cli {
namespace {

struct TrainCommand {
  std::string model, data, val, out, resume, init, log, plot, schedule;
  std::string store = "fp32", dropout = "on", mean;
  std::vector<std::string> augment;
  int64_t epochs = 0, batch = 0, size = 0, pad = 0, seed = 1, checkpoint_every = 0;
  double rate = 0, momentum = 0, decay = 0;
  DeviceOptions device;
  const CLI::App* app = nullptr;

  bool given(const std::string& option) const { return app->count(option) > 0; }
};

// NAME.safetensors -> NAME.checkpoint.safetensors
std::string checkpoint_of(const std::string& out) {
  return out.substr(0, out.size() - std::string(".safetensors").size()) + ".checkpoint.safetensors";
}

Recipe recipe_of(const TrainCommand& command, Recipe recipe, int64_t pictures) {
  if (command.given("--epochs")) recipe.epochs = command.epochs;
  recipe.batch = command.given("--batch") ? command.batch : std::clamp<int64_t>(pictures, 1, recipe.batch);
  if (command.given("--lr")) recipe.rate = static_cast<float>(command.rate);
  if (command.given("--momentum")) recipe.momentum = static_cast<float>(command.momentum);
  if (command.given("--weight-decay")) recipe.decay = static_cast<float>(command.decay);
  if (command.given("--schedule")) recipe.schedule = command.schedule;
  using Mean = Recipe::Mean;
  if (command.given("--mean"))
    recipe.mean = command.mean == "image" ? Mean::image : command.mean == "color" ? Mean::colour : Mean::fixed;
  else if (command.given("--init"))
    recipe.mean = Mean::fixed;  // what the weights are used to
  return recipe;
}

Augment augment_of(const TrainCommand& command, const NetSpec& spec) {
  Augment augment = usual_augment(spec);
  if (command.given("--augment")) {
    const auto asked = [&](const char* what) {
      return std::find(command.augment.begin(), command.augment.end(), what) != command.augment.end();
    };
    constexpr float paper_noise = 0.1f;
    augment.random_crop = asked("crop");
    augment.flip = asked("flip");
    augment.colour_noise = !asked("color") ? 0 : augment.colour_noise > 0 ? augment.colour_noise : paper_noise;
  }
  if (!augment.random_crop) augment.pad = 0;
  if (command.given("--pad")) augment.pad = command.pad;
  return augment;
}

std::unique_ptr<Trainer> make_trainer(const TrainCommand& command, const std::shared_ptr<const Dataset>& data,
                                      const std::shared_ptr<const Dataset>& validation) {
  TrainOptions options;
  options.validation = validation;
  options.devices = command.device.devices;
  options.threads = command.device.threads;
  if (!command.resume.empty()) {
    options.recipe.epochs = command.epochs;
    auto trainer = Trainer::resume(command.resume, data, options);
    check(command.model.empty() || command.model == trainer->spec().id, Code::invalid_argument, command.resume,
          " is a checkpoint of ", trainer->spec().id, ", not of ", command.model, "; leave --model out");
    return trainer;
  }
  const auto classes = static_cast<int64_t>(data->classes().size());
  const NetSpec spec = make_model(command.model, {classes, command.size, command.size});
  options.recipe = recipe_of(command, spec.recipe, data->size());
  check(options.recipe.batch <= data->size(), Code::invalid_argument, command.data, " has ", data->size(),
        " pictures, which do not fill one batch of ", options.recipe.batch, "; give a smaller --batch");
  options.augment = augment_of(command, spec);
  options.seed = static_cast<uint64_t>(command.seed);
  options.dropout = command.dropout == "on";
  options.init = command.init;
  return std::make_unique<Trainer>(spec, data, options);
}

// Sums over the steps of an epoch that this run has made.
struct Progress {
  double steps = 0, loss = 0, accuracy = 0, seconds = 0, waited = 0;

  void add(const StepResult& step) {
    ++steps;
    loss += step.loss;
    accuracy += step.accuracy;
    seconds += step.seconds;
    waited += step.waited;
  }
};

class TrainRun {
 public:
  explicit TrainRun(const TrainCommand& command) : command_(command), checkpoint_(checkpoint_of(command.out)) {
    for (const std::string& path : {command.out, checkpoint_, command.log, command.plot})
      if (!path.empty()) check_writable(path);
    data_ = Dataset::open(command.data, "train");
    if (!command.val.empty()) val_ = Dataset::open(command.val, "test");
    trainer_ = make_trainer(command, data_, val_);
    // Asked of a model without weights, so that a class without a match shows now and not after the first epoch.
    if (val_) match_classes(val_->classes(), *Model::of(trainer_->spec(), drawn_weights(1), data_->classes()));
    log_.emplace(command.log, trainer_->steps_done());
    saved_ = command.resume.empty() ? -1 : trainer_->steps_done();
    if (command.resume.empty() && std::filesystem::exists(to_path(checkpoint_)))
      message(cat("warning: ", checkpoint_, " of an earlier run will be replaced; --resume would go on with it"));
  }

  int run() {
    catch_stop_signals();
    bar_.emplace(std::cerr, terminal_of(stderr), static_cast<uint64_t>(trainer_->total_steps()));
    bar_->set(static_cast<uint64_t>(trainer_->steps_done()));
    try {
      while (!trainer_->done()) {
        if (stop_requested()) return stopped();
        step();
      }
    } catch (const Error& error) {
      if (error.code() == Code::cancelled) return stopped();
      bar_->clear();
      throw;
    }
    bar_->finish();
    finish();
    return done;
  }

 private:
  void step() {
    const StepResult step = trainer_->step();
    progress_.add(step);
    bar_->set(static_cast<uint64_t>(step.step), progress_text());
    const bool epoch_ends = step.step % trainer_->steps_per_epoch() == 0;
    const bool due = command_.checkpoint_every > 0 ? step.step % command_.checkpoint_every == 0 : epoch_ends;
    if (due || trainer_->done()) save();
    if (epoch_ends) end_epoch(step);
  }

  double images_per_second() const {
    return progress_.steps * static_cast<double>(trainer_->options().recipe.batch) / std::max(progress_.seconds, 1e-9);
  }

  std::string progress_text() const {
    const int64_t epoch = (trainer_->steps_done() - 1) / trainer_->steps_per_epoch() + 1;
    return cat("epoch ", epoch, "/", trainer_->options().recipe.epochs, "  loss ",
               fixed(progress_.loss / progress_.steps, 3), "  ", percent_text(progress_.accuracy / progress_.steps),
               " right  ", fixed(images_per_second(), 0), " images/s  ",
               percent_text(progress_.waited / std::max(progress_.seconds, 1e-9)), " waited");
  }

  void end_epoch(const StepResult& step) {
    EpochRow row;
    row.step = step.step;
    row.epoch = step.epoch;
    row.rate = step.rate;
    row.train_loss = progress_.loss / progress_.steps;
    row.train_accuracy = progress_.accuracy / progress_.steps;
    row.images_per_second = images_per_second();
    row.waited_ms = progress_.waited / progress_.steps * 1e3;
    if (val_) row.validation = validate();
    print(row);
    record([&] { log_->add(row); });
    if (!command_.plot.empty()) record([&] { log_->plot(command_.plot, "Training of " + trainer_->spec().id); });
    progress_ = {};
  }

  Evaluation validate() {
    EvaluateOptions how;
    how.cancelled = stop_requested;
    how.progress = [this](int64_t images, int64_t total) {
      bar_->set(static_cast<uint64_t>(trainer_->steps_done()), cat("validation: ", images, "/", total));
    };
    how.on_broken = [this](const std::string& name, const std::string& why) {
      if (warned_) return;  // the pictures are the same after each epoch
      bar_->clear();
      message("warning: " + name + " is skipped: " + why);
    };
    const Evaluation result = trainer_->validate(how);
    warned_ = true;
    return result;
  }

  void print(const EpochRow& row) {
    bar_->clear();
    std::cerr << "epoch " << row.epoch << ": loss " << fixed(row.train_loss, 4) << ", "
              << percent_text(row.train_accuracy) << " right";
    if (row.validation)
      std::cerr << "; validation: loss " << fixed(row.validation->loss, 4) << ", top 1 "
                << percent_text(row.validation->top1) << ", top 5 " << percent_text(row.validation->top5);
    std::cerr << "; " << fixed(row.images_per_second, 0) << " images/s\n";
  }

  // A log or figure that cannot be written is no reason to throw hours of work away: it is told, and the run fails
  // in the end.
  template <class Write>
  void record(const Write& write) {
    try {
      write();
    } catch (const Error& error) {
      if (trouble_.empty()) message(cat("warning: ", error.what()));
      trouble_ = error.what();
    }
  }

  void save() {
    if (saved_ == trainer_->steps_done()) return;
    trainer_->save_checkpoint(checkpoint_);
    saved_ = trainer_->steps_done();
  }

  int stopped() {
    save();
    bar_->clear();
    // A run that was resumed and stopped before its first step has written nothing: its checkpoint is the one given.
    const bool own = std::filesystem::exists(to_path(checkpoint_));
    std::string again = "alexnet train --resume " + quoted(own ? checkpoint_ : command_.resume);
    for (const auto& [option, value] :
         std::initializer_list<std::pair<const char*, std::string>>{{"--data", command_.data},
                                                                    {"--val", command_.val},
                                                                    {"--out", command_.out},
                                                                    {"--log", command_.log},
                                                                    {"--plot", command_.plot},
                                                                    {"--device", command_.device.devices}})
      if (command_.given(option)) again += cat(" ", option, " ", quoted(value));
    for (const auto& [option, value] : std::initializer_list<std::pair<const char*, int64_t>>{
             {"--threads", command_.device.threads}, {"--checkpoint-every", command_.checkpoint_every}})
      if (command_.given(option)) again += cat(" ", option, " ", value);
    message(
        cat("stopped after step ", trainer_->steps_done(), " of ", trainer_->total_steps(), "; go on with: ", again));
    return failed;
  }

  void finish() {
    save();
    trainer_->save_weights(command_.out, precision_of(command_.store));
    if (trainer_->broken() > 0) message(cat("warning: ", trainer_->broken(), " pictures could not be read"));
    check(trouble_.empty(), Code::io, "the weights are in ", command_.out, ", but: ", trouble_);
    message(cat("wrote ", command_.out));
  }

  const TrainCommand& command_;
  const std::string checkpoint_;
  std::shared_ptr<const Dataset> data_;
  std::shared_ptr<const Dataset> val_;
  std::unique_ptr<Trainer> trainer_;
  std::optional<TrainLog> log_;
  std::optional<ProgressBar> bar_;
  Progress progress_;
  int64_t saved_ = -1;  // step of the last checkpoint
  bool warned_ = false;
  std::string trouble_;
};

std::string check_schedule(std::string& text) {
  try {
    Schedule{text};
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

void add_files(CLI::App& app, TrainCommand& command) {
  app.add_option("--model", command.model, "The network (see `alexnet info --help`); not with --resume")
      ->type_name("NAME");
  app.add_option("--data", command.data,
                 "A folder of class folders, or of train and test with them; CIFAR-10 binary or idx files")
      ->required()
      ->type_name("DIR");
  app.add_option("--val", command.val, "A set to measure the accuracy on after each epoch")->type_name("DIR");
  app.add_option("--out", command.out,
                 "The weight file to write in the end (.safetensors); NAME.checkpoint.safetensors lies beside it")
      ->required()
      ->type_name("FILE")
      ->check(ends_in({".safetensors"}));
  app.add_option("--resume", command.resume, "Go on with the run of this checkpoint")->type_name("FILE");
  app.add_option("--init", command.init, "Start from these weights; with other classes all but the last layer is used")
      ->type_name("FILE");
  app.add_option("--log", command.log, "Write one row for each epoch")->type_name("FILE.csv");
  add_plot(app, command.plot, "Draw loss and error after each epoch");
  add_whole(app, "--checkpoint-every", command.checkpoint_every, "Steps between checkpoints; without it, once an epoch",
            1, INT64_MAX);
  app.add_option("--store", command.store, "Stored type of --out: fp32, fp16 or bf16")
      ->type_name("TYPE")
      ->check(one_of({"fp32", "fp16", "bf16"}))
      ->capture_default_str();
}

void add_recipe(CLI::App& app, TrainCommand& command) {
  const std::string own = "; without it, the network's own (`alexnet info NAME`)";
  add_whole(app, "--epochs", command.epochs, "Passes over the data" + own, 1, 1'000'000);
  std::vector<CLI::Option*> fixed_by_checkpoint{
      add_whole(app, "--batch", command.batch, "Pictures of one step" + own, 1, 1'000'000),
      add_real(app, "--lr", command.rate, "Learning rate" + own, 1e-12, 1000),
      add_real(app, "--momentum", command.momentum, "Momentum" + own, 0, 0.999999),
      add_real(app, "--weight-decay", command.decay, "Weight decay" + own, 0, 1000),
      app.add_option(
             "--schedule", command.schedule,
             "constant, cosine, step:EVERY:FACTOR, steps:E1,E2,...:FACTOR, in epochs, or plateau:FACTOR:PATIENCE, by "
             "--val or else by the training loss" +
                 own)
          ->type_name("TEXT")
          ->check(CLI::Validator(check_schedule, "")),
      add_whole(app, "--seed", command.seed, "Of every random draw", 0, INT64_MAX)->capture_default_str(),
      app.add_option("--augment", command.augment,
                     "Random changes of the pictures: crop, flip and color, with commas between, or none" + own)
          ->type_name("WHAT")
          ->delimiter(',')
          ->allow_extra_args(false)
          ->check(one_of({"none", "crop", "flip", "color"})),
      app.add_option("--mean", command.mean,
                     "What is subtracted: the set's mean colour or image, or what is fixed for the network" + own)
          ->type_name("fixed|color|image")
          ->check(one_of({"fixed", "color", "image"})),
      add_whole(app, "--pad", command.pad, "Border before a random crop; without it, 4 for inputs up to 64, else 0", 0,
                1024),
      app.add_option("--dropout", command.dropout, "on or off")
          ->type_name("on|off")
          ->check(one_of({"on", "off"}))
          ->capture_default_str(),
      add_whole(app, "--size", command.size, "Another side of the square input", 1, 16384),
      app.get_option("--init")};
  for (CLI::Option* option : fixed_by_checkpoint) option->excludes(app.get_option("--resume"));
}

int train(const TrainCommand& command) {
  if (command.model.empty() && command.resume.empty())
    throw CLI::ValidationError("--model", "name a network, or a checkpoint with --resume");
  return TrainRun(command).run();
}

}  // namespace

Command add_train(CLI::App& program) {
  CLI::App* app = program.add_subcommand("train", "Train a network");
  const auto command = std::make_shared<TrainCommand>();
  command->app = app;
  add_files(*app, *command);
  add_recipe(*app, *command);
  add_device_options(*app, command->device);
  app->footer("Ctrl-C writes the checkpoint and says how to go on; a second one ends the program at once.");
  return {app, [command] { return train(*command); }};
}

}  // namespace alx::cli
