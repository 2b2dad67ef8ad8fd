#include <algorithm>
#include <chrono>
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
#include "train/trainer.h"

namespace alx::cli {
namespace {

// NAME.safetensors -> NAME.checkpoint.safetensors
std::string checkpoint_of(const std::string& out) {
  return out.substr(0, out.size() - std::string(".safetensors").size()) + ".checkpoint.safetensors";
}

bool same_file(const std::string& a, const std::string& b) {
  std::error_code error;
  if (std::filesystem::equivalent(to_path(a), to_path(b), error)) return true;
  const auto one = full_path(a, error);
  return !error && one == full_path(b, error) && !error;
}

// No file is written that another option names too.
void check_names(const TrainCommand& command, const std::string& checkpoint) {
  using Named = std::pair<const char*, const std::string&>;
  const Named out{"--out", command.out}, next{"the checkpoint of --out", checkpoint},
      log{"--log", command.log}, plot{"--plot", command.plot}, resume{"--resume", command.resume},
      init{"--init", command.init}, data{"--data", command.data}, val{"--val", command.val};
  const auto refuse = [](const Named& output, std::initializer_list<const Named*> others) {
    for (const Named* other : others)
      if (!output.second.empty() && !other->second.empty() &&
          same_file(output.second, other->second))
        throw CLI::ValidationError(output.first,
                                   cat(output.second, " is the file of ", other->first, " too"));
  };
  refuse(log, {&plot, &out, &next, &resume, &init, &data, &val});
  refuse(plot, {&out, &next, &resume, &init, &data, &val});
  refuse(out, {&next, &resume, &data, &val});  // it may replace the weights that it began with,
  refuse(next, {&init, &data, &val});          // and a checkpoint the one that went on
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
  explicit TrainRun(const TrainCommand& command)
      : command_(command), checkpoint_(checkpoint_of(command.out)) {
    check_names(command, checkpoint_);
    for (const std::string& path : {command.out, checkpoint_, command.log, command.plot}) {
      if (path.empty()) continue;
      check_writable(path);
      locks_.emplace_back(path);
    }
    check_old_checkpoint();
    data_ = Dataset::open(command.data, "train");
    if (!command.val.empty()) val_ = Dataset::open(command.val, "test");
    show_information(true);  // what a training begins with
    trainer_ = make_trainer(command, data_, val_);
    show_information(false);
    for (OutputLock& lock : locks_) trainer_->hold(std::move(lock));
    // Asked now, so that a class without a match does not show after the first epoch only.
    if (val_) match_classes(val_->classes(), data_->classes(), command.data);
    log_.emplace(command.log, trainer_->steps_done());
    saved_ = command.resume.empty() ? -1 : trainer_->steps_done();
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
      if (saved_ > 0)
        message(cat("the checkpoint of step ", saved_, " is whole; go on with: ", again()));
      throw;
    }
    bar_->finish();
    finish();
    return done;
  }

 private:
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

  void step() {
    const StepResult step = trainer_->step();
    progress_.add(step);
    bar_->set(static_cast<uint64_t>(step.step), progress_text());
    const bool epoch_ends = step.step % trainer_->steps_per_epoch() == 0;
    if (checkpoint_due(step.step, epoch_ends) || trainer_->done()) save();
    if (epoch_ends) end_epoch(step);
  }

  bool checkpoint_due(int64_t step, bool epoch_ends) const {
    if (command_.checkpoint_minutes > 0) {
      const std::chrono::duration<double> since = std::chrono::steady_clock::now() - saved_at_;
      return since.count() >= command_.checkpoint_minutes * 60;
    }
    return command_.checkpoint_every > 0 ? step % command_.checkpoint_every == 0 : epoch_ends;
  }

  double images_per_second() const {
    return progress_.steps * static_cast<double>(trainer_->options().recipe.batch) /
           std::max(progress_.seconds, 1e-9);
  }

  std::string progress_text() const {
    const int64_t epoch = (trainer_->steps_done() - 1) / trainer_->steps_per_epoch() + 1;
    return cat("epoch ", epoch, "/", trainer_->options().recipe.epochs, "  loss ",
               fixed(progress_.loss / progress_.steps, 3), "  ",
               percent_text(progress_.accuracy / progress_.steps), " right  ",
               fixed(images_per_second(), 0), " images/s  ",
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
    if (!command_.plot.empty())
      record([&] { log_->plot(command_.plot, "Training of " + trainer_->spec().id); });
    progress_ = {};
  }

  Evaluation validate() {
    EvaluateOptions how;
    how.cancelled = stop_requested;
    how.progress = [this](int64_t images, int64_t total) {
      bar_->set(static_cast<uint64_t>(trainer_->steps_done()),
                cat("validation: ", images, "/", total));
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

  void save() {
    if (saved_ == trainer_->steps_done()) return;
    trainer_->save_checkpoint(checkpoint_);
    saved_ = trainer_->steps_done();
    saved_at_ = std::chrono::steady_clock::now();
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
             {"--log", command_.log},
             {"--plot", command_.plot},
             {"--device", command_.device.devices},
             {"--threads", cat(command_.device.threads)},
             {"--checkpoint-every", cat(command_.checkpoint_every)}})
      if (command_.given(option)) again += cat(" ", option, " ", quoted(value));
    if (command_.given("--checkpoint-minutes"))
      again += cat(" --checkpoint-minutes ", command_.checkpoint_minutes);
    return again;
  }

  int stopped() {
    save();
    bar_->clear();
    message(cat("stopped after step ", trainer_->steps_done(), " of ", trainer_->total_steps(),
                "; go on with: ", again()));
    return failed;
  }

  void finish() {
    save();
    trainer_->save_weights(command_.out, stored_type(precision_named(command_.store)));
    if (trainer_->broken() > 0)
      message(cat("warning: ", trainer_->broken(), " pictures could not be read"));
    check(trouble_.empty(), Code::io, "the weights are in ", command_.out, ", but: ", trouble_);
    message(cat("wrote ", command_.out));
  }

  const TrainCommand& command_;
  const std::string checkpoint_;
  std::shared_ptr<const Dataset> data_;
  std::shared_ptr<const Dataset> val_;
  std::vector<OutputLock> locks_;  // until the trainer has them
  std::unique_ptr<Trainer> trainer_;
  std::optional<TrainLog> log_;
  std::optional<ProgressBar> bar_;
  Progress progress_;
  int64_t saved_ = -1;  // step of the last checkpoint
  std::chrono::steady_clock::time_point saved_at_ = std::chrono::steady_clock::now();
  bool warned_ = false;
  std::string trouble_;
};

int train(const TrainCommand& command) {
  if (command.model.empty() && command.resume.empty())
    throw CLI::ValidationError("--model", "name a network, or a checkpoint with --resume");
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
