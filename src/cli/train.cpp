#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>

#include "cli/commands.h"
#include "cli/system.h"
#include "cli/terminal.h"
#include "cli/train_log.h"
#include "cli/train_options.h"
#include "core/error.h"
#include "core/number.h"
#include "core/path.h"
#include "train/run.h"

namespace alx::cli {
namespace {

// NAME.safetensors -> NAME.WHAT.safetensors
std::string beside(const std::string& out, const char* what) {
  return cat(out.substr(0, out.size() - std::string(".safetensors").size()), ".", what,
             ".safetensors");
}

class TrainRun {
 public:
  explicit TrainRun(const TrainCommand& command)
      : command_(command),
        checkpoint_(beside(command.out, "checkpoint")),
        best_(command.best ? beside(command.out, "best") : "") {
    check_names();
    std::vector<OutputLock> locks;
    for (const std::string& path : {command.out, checkpoint_, best_, command.log, command.plot}) {
      if (path.empty()) continue;
      check_writable(path);
      locks.emplace_back(path);
    }
    check_old_checkpoint();
    {
      const ShownInformation shown;  // what a training begins with
      const std::shared_ptr<const Dataset> data = Dataset::open(command.data, "train");
      run_.emplace(make_trainer(command, data, validation_set()));
    }
    for (OutputLock& lock : locks) trainer().hold(std::move(lock));
    run_->set_checkpoints({checkpoint_, command.checkpoint_every, command.checkpoint_minutes});
    if (!command.resume.empty()) run_->begins_saved();
    run_->keep_best(best_, stored());
    log_.emplace(command.log, trainer().steps_done());
  }

  int run() {
    catch_stop_signals();
    bar_.emplace(std::cerr, terminal_of(stderr), static_cast<uint64_t>(trainer().total_steps()));
    if (!trainer().options().freeze) begin_steps();
    try {
      if (!run_->run(watch())) return stopped();
    } catch (const Error&) {
      features_bar_.reset();
      bar_->clear();
      if (run_->saved_step() > 0)
        message(
            cat("the checkpoint of step ", run_->saved_step(), " is whole; go on with: ", again()));
      throw;
    }
    bar_->finish();
    finish();
    return done;
  }

 private:
  Trainer& trainer() { return run_->trainer(); }
  DataType stored() const { return stored_type(precision_named(command_.store)); }

  std::shared_ptr<const Dataset> validation_set() const {
    if (command_.val.empty()) return nullptr;
    if (!validation_share(command_)) return Dataset::open(command_.val, "test");
    std::error_code ignored;
    if (std::filesystem::is_directory(to_path(command_.val), ignored))
      message(cat("warning: '", command_.val,
                  "' means a share of the pictures, not the folder of that name here: ./",
                  command_.val, " is the folder"));
    return nullptr;
  }

  // No file is written that another option names too.
  void check_names() const {
    using Named = std::pair<const char*, const std::string&>;
    const Named out{"--out", command_.out}, next{"the checkpoint of --out", checkpoint_},
        best{"--best", best_}, log{"--log", command_.log}, plot{"--plot", command_.plot},
        resume{"--resume", command_.resume}, init{"--init", command_.overrides.plain.init},
        data{"--data", command_.data}, val{"--val", command_.val};
    const auto refuse = [](const Named& output, std::initializer_list<const Named*> others) {
      for (const Named* other : others)
        if (!output.second.empty() && !other->second.empty() &&
            same_file(output.second, other->second))
          throw CLI::ValidationError(output.first,
                                     cat(output.second, " is the file of ", other->first, " too"));
    };
    refuse(log, {&plot, &out, &next, &best, &resume, &init, &data, &val});
    refuse(plot, {&out, &next, &best, &resume, &init, &data, &val});
    refuse(best, {&out, &next, &resume, &init, &data, &val});
    refuse(out, {&next, &resume, &data, &val});  // it may replace the weights that it began with,
    refuse(next, {&init, &data, &val});          // and a checkpoint the one that went on
  }

  // The checkpoint of a run that could go on is not replaced unasked.
  void check_old_checkpoint() const {
    std::error_code ignored;
    if (command_.force || !std::filesystem::exists(to_path(checkpoint_), ignored)) return;
    if (!command_.resume.empty() && same_file(command_.resume, checkpoint_)) return;
    const auto state = read_checkpoint_state(checkpoint_);
    if (state && state->step >= state->total_steps) return;
    fail(Code::invalid_state, checkpoint_,
         state ? cat(" is of a run that has made ", state->step, " of ", state->total_steps,
                     " steps: go on with it by ", "--resume ", quoted(checkpoint_),
                     ", or replace it by --force")
               : " is there already, and no checkpoint that can be read: move it away, or replace "
                 "it by --force");
  }

  RunWatch watch() {
    RunWatch watch;
    watch.stopped = stop_requested;
    watch.on_step = [this](const StepResult& step, const EpochRow* ended) {
      bar_->set(static_cast<uint64_t>(step.step), progress_text());
      if (ended) end_epoch(*ended);
    };
    watch.on_validation = [this](int64_t images, int64_t total) {
      bar_->set(static_cast<uint64_t>(trainer().steps_done()),
                cat("validation: ", images, "/", total));
    };
    watch.on_features = [this](int64_t pictures, int64_t total) {
      if (!features_bar_) {
        features_bar_.emplace(std::cerr, terminal_of(stderr), static_cast<uint64_t>(total));
        features_bar_->set(0);
      }
      features_bar_->set(static_cast<uint64_t>(pictures), "pictures through the frozen layers");
      if (pictures < total) return;
      features_bar_.reset();
      begin_steps();
    };
    return watch;
  }

  // The time left is estimated from here on.
  void begin_steps() { bar_->set(static_cast<uint64_t>(trainer().steps_done())); }

  std::string progress_text() {
    const int64_t epoch = (trainer().steps_done() - 1) / trainer().steps_per_epoch() + 1;
    const TrainingRun::Sums& sums = run_->sums();
    return cat("epoch ", epoch, "/", trainer().options().recipe.epochs, "  loss ",
               fixed(sums.loss / sums.steps, 3), "  ", percent_text(sums.accuracy / sums.steps),
               " right  ", fixed(run_->images_per_second(), 0), " images/s  ",
               percent_text(sums.waited / std::max(sums.seconds, 1e-9)), " waited");
  }

  void end_epoch(const EpochRow& row) {
    print(row);
    record([&] { log_->add(row); });
    if (!command_.plot.empty())
      record([&] { log_->plot(command_.plot, "Training of " + trainer().spec().id); });
  }

  void print(const EpochRow& row) {
    bar_->clear();
    std::cerr << "epoch " << row.epoch << ": loss " << fixed(row.train_loss, 4) << ", "
              << percent_text(row.train_accuracy) << " right";
    if (row.validation)
      std::cerr << "; validation: loss " << fixed(row.validation->loss, 4) << ", top 1 "
                << percent_text(row.validation->top1) << ", top 5 "
                << percent_text(row.validation->top5);
    std::cerr << "; " << fixed(row.images_per_second, 0) << " images/s\n";
  }

  // A log or figure that cannot be written is no reason to throw hours of work away: it is told,
  // and the run fails in the end.
  template <class Write>
  void record(const Write& write) {
    try {
      write();
    } catch (const Error& error) {
      if (trouble_.empty()) message(cat("warning: ", error.what()));
      trouble_ = error.what();
    }
  }

  // The command that goes on with this run.
  std::string again() const {
    // A run that was resumed and stopped before its first step has written nothing: its checkpoint
    // is the one given.
    const bool own = std::filesystem::exists(to_path(checkpoint_));
    std::string again = "alexnet train --resume " + quoted(own ? checkpoint_ : command_.resume);
    for (const auto& [option, value] : std::initializer_list<std::pair<const char*, std::string>>{
             {"--data", command_.data},
             {"--val", command_.val},
             {"--out", command_.out},
             {"--store", command_.store},
             {"--log", command_.log},
             {"--plot", command_.plot},
             {"--device", command_.device.devices},
             {"--parallel", command_.parallel},
             {"--threads", cat(command_.device.threads)},
             {"--data-threads", cat(command_.overrides.plain.data_threads)},
             {"--checkpoint-every", cat(command_.checkpoint_every)}})
      if (command_.given(option)) again += cat(" ", option, " ", quoted(value));
    if (command_.given("--checkpoint-minutes"))
      again += cat(" --checkpoint-minutes ", command_.checkpoint_minutes);
    return again + (command_.best ? " --best" : "");
  }

  int stopped() {
    features_bar_.reset();
    bar_->clear();
    message(cat("stopped after step ", trainer().steps_done(), " of ", trainer().total_steps(),
                "; go on with: ", again()));
    return failed;
  }

  void finish() {
    trainer().save_weights(command_.out, stored());
    if (trainer().broken() > 0)
      message(cat("warning: ", trainer().broken(), " pictures could not be read"));
    check(trouble_.empty(), Code::io, "the weights are in ", command_.out, ", but: ", trouble_);
    message(cat("wrote ", command_.out));
    message(cat("the run is finished: ", checkpoint_,
                " may be deleted, unless it shall go on with ", "more --epochs"));
  }

  const TrainCommand& command_;
  const std::string checkpoint_, best_;
  std::optional<TrainingRun> run_;
  std::optional<TrainLog> log_;
  std::optional<ProgressBar> bar_, features_bar_;  // of steps; of what comes before the first
  std::string trouble_;
};

int train(const TrainCommand& command) {
  if (command.model.empty() && command.resume.empty())
    throw CLI::ValidationError("--model", "name a network, or a checkpoint with --resume");
  if (command.best && command.val.empty() && command.resume.empty())
    throw CLI::ValidationError("--best", "goes by --val: give a set, or a share of the pictures");
  const bool varied =
      std::ranges::any_of(command.augment, [](const auto& w) { return w != "none"; });
  if (freezes(command.freeze) && (varied || command.given("--pad")))
    throw CLI::ValidationError("--freeze",
                               "goes without --augment and --pad: what the frozen layers "
                               "make of a picture is computed once, so it cannot be varied");
  return TrainRun(command).run();
}

}  // namespace

Command add_train(CLI::App& program) {
  CLI::App* app = program.add_subcommand("train", "Train a network");
  const auto command = std::make_shared<TrainCommand>();
  add_train_options(*app, *command);
  app->footer(
      "Ctrl-C writes the checkpoint and says how to go on; a second one ends the program at once.");
  return {app, [command] { return train(*command); }};
}

}  // namespace alx::cli
