#include "train/run.h"

#include <algorithm>
#include <filesystem>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"
#include "core/path.h"
#include "graph/bounds.h"

namespace alx {
namespace {

// `file` is written from now on in place of `before`; `other` is what else the run writes.
void change_output(Trainer& trainer, const std::string& before, const std::string& file,
                   const std::string& other) {
  check(file.empty() || other.empty() || !same_file(file, other), Code::invalid_argument, file,
        " is written by this run already, for something else: give another path");
  if (!file.empty()) {
    AtomicFile(file, 0);  // now, and not after the first epoch, shows that it cannot be written
    trainer.hold(file);
  }
  if (!before.empty() && (file.empty() || !same_file(before, file))) trainer.release(before);
}

}  // namespace

void TrainingRun::set_checkpoints(const CheckpointPolicy& policy) {
  if (policy.every != 0) check_bound(bounds::checkpoint_steps, policy.every);
  if (policy.minutes != 0) check_bound(bounds::checkpoint_minutes, policy.minutes);
  change_output(*trainer_, checkpoints_.file, policy.file, best_);
  checkpoints_ = policy;
  saved_step_ = -1;
}

void TrainingRun::keep_best(const std::string& file, DataType stored) {
  check(file.empty() || trainer_->options().validation, Code::invalid_state,
        "the best epoch is chosen by validation data, and the trainer was made without");
  change_output(*trainer_, best_, file, checkpoints_.file);
  best_ = file;
  best_stored_ = stored;
  const int64_t step = trainer_->best().step;
  std::error_code ignored;
  if (file.empty() || step == 0 || std::filesystem::exists(to_path(file), ignored)) return;
  log_line(LogLevel::warning, cat(file, " is not there, which held the weights of step ", step,
                                  ", the best so far: the best epoch from here on is kept"));
  trainer_->set_best({});
}

bool TrainingRun::run(const RunWatch& watch, int64_t steps) {
  const auto stopped = [&] { return watch.stopped && watch.stopped(); };
  saved_at_ = now();
  int64_t made = 0;
  const auto complete = [&] { return trainer_->done() || (steps > 0 && made == steps); };
  if (!complete() && !prepare(watch)) {
    save();
    return false;
  }
  if (!stopped()) catch_up(watch);
  for (; !complete() && !stopped(); ++made) step(watch);
  save();
  return complete();
}

// False: it was stopped.
bool TrainingRun::prepare(const RunWatch& watch) try {
  EvaluateOptions how;
  how.progress = watch.on_features;
  how.cancelled = watch.stopped;
  trainer_->prepare(how);
  return true;
} catch (const Error& error) {
  if (error.code() != Code::cancelled) throw;
  return false;
}

// What the end of the last epoch did not come to, as where a checkpoint was written before its
// validation and the process was killed in it.
void TrainingRun::catch_up(const RunWatch& watch) {
  if (!trainer_->options().validation || !epoch_ended()) return;
  const bool by_plateau =
      !trainer_->done() && Schedule(trainer_->options().recipe.schedule).is_plateau();
  if (by_plateau || (!best_.empty() && trainer_->best().judged_step != trainer_->steps_done()))
    validate(watch);
}

bool TrainingRun::epoch_ended() const {
  return trainer_->steps_done() > 0 && trainer_->steps_done() % trainer_->steps_per_epoch() == 0;
}

void TrainingRun::step(const RunWatch& watch) {
  const bool begins = trainer_->steps_done() % trainer_->steps_per_epoch() == 0;
  const StepResult made = trainer_->step();
  if (begins) sums_ = {};
  ++sums_.steps;
  sums_.loss += made.loss;
  sums_.accuracy += made.accuracy;
  sums_.seconds += made.seconds;
  sums_.waited += made.waited;
  const bool ends = epoch_ended(), due = checkpoint_due(ends);
  EpochRow row;
  if (ends) {
    row = row_of(made);
    if (trainer_->options().validation) {
      if (due) save();  // first: validation may take long
      row.validation = validate(watch);
    }
  }
  if (watch.on_step) watch.on_step(made, ends ? &row : nullptr);
  if (due) save();
}

bool TrainingRun::checkpoint_due(bool epoch_ends) const {
  if (trainer_->done()) return true;
  const std::chrono::duration<double> since = now() - saved_at_;
  if (checkpoints_.minutes > 0) return since.count() >= checkpoints_.minutes * 60;
  // Its epochs take less time than to write a network.
  constexpr double frozen_seconds = 30;
  if (trainer_->options().freeze && checkpoints_.every == 0 && since.count() < frozen_seconds)
    return false;
  return checkpoints_.every > 0 ? trainer_->steps_done() % checkpoints_.every == 0 : epoch_ends;
}

void TrainingRun::save() {
  if (checkpoints_.file.empty() || saved_step_ == trainer_->steps_done()) return;
  trainer_->save_checkpoint(checkpoints_.file);
  saved_step_ = trainer_->steps_done();
  saved_at_ = now();
}

double TrainingRun::images_per_second() const {
  return sums_.steps * static_cast<double>(trainer_->options().recipe.batch) /
         std::max(sums_.seconds, 1e-9);
}

EpochRow TrainingRun::row_of(const StepResult& step) const {
  EpochRow row;
  row.step = step.step;
  row.epoch = step.epoch;
  row.rate = step.rate;
  row.train_loss = sums_.loss / sums_.steps;
  row.train_accuracy = sums_.accuracy / sums_.steps;
  row.images_per_second = images_per_second();
  row.waited_ms = sums_.waited / sums_.steps * 1e3;
  return row;
}

// Empty where it was stopped.
std::optional<Evaluation> TrainingRun::validate(const RunWatch& watch) {
  EvaluateOptions how;
  // Without it the last epoch could not be the best, and no later run would make up for that.
  if (best_.empty() || !trainer_->done()) how.cancelled = watch.stopped;
  how.progress = watch.on_validation;
  how.on_broken = [this](const std::string& name, const std::string& why) {
    if (told_broken_) return;  // the pictures are the same after each epoch
    log_line(LogLevel::warning, cat(name, " is skipped: ", why));
  };
  try {
    const Evaluation validation = trainer_->validate(how);
    told_broken_ = true;
    judge(validation);
    return validation;
  } catch (const Error& error) {
    if (error.code() != Code::cancelled) throw;
    return std::nullopt;
  }
}

// The weights first: where the process ends between the two, the resumed run judges this epoch
// again and writes the same.
void TrainingRun::judge(const Evaluation& validation) {
  if (best_.empty()) return;
  BestEpoch best = trainer_->best();
  if (validation.top1 > best.top1) {
    trainer_->save_weights(best_, best_stored_);
    best.top1 = validation.top1;
    best.step = trainer_->steps_done();
  }
  best.judged_step = trainer_->steps_done();
  trainer_->set_best(best);
}

}  // namespace alx
