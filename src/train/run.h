// A training run: a trainer's steps with checkpoints, validation after each epoch, the best epoch's
// weights, and an end when asked. The program and the C ABI both run this.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "train/trainer.h"

namespace alx {

// Means over an epoch, or over the part of it that this run has seen.
struct EpochRow {
  int64_t step = 0;
  double epoch = 0, rate = 0;
  double train_loss = 0, train_accuracy = 0;
  std::optional<Evaluation> validation;
  double images_per_second = 0, waited_ms = 0;  // waited for data in a mean step
};

struct CheckpointPolicy {
  std::string file;    // empty: none
  int64_t every = 0;   // steps; 0: once an epoch, of a last layer alone once in half a minute
  double minutes = 0;  // between them instead; 0: by steps
};

// What a run tells and asks, on its own thread; each may be empty.
struct RunWatch {
  // After each step; `ended`: the row of the epoch that ended with it, else null.
  std::function<void(const StepResult& step, const EpochRow* ended)> on_step;
  std::function<void(int64_t done, int64_t total)> on_validation;  // pictures
  // pictures that frozen layers have seen, before the first step
  std::function<void(int64_t done, int64_t total)> on_features;
  std::function<bool()> stopped;  // asked between steps, and during these two
};

// Used by one thread at a time.
class TrainingRun {
 public:
  explicit TrainingRun(std::unique_ptr<Trainer> trainer) : trainer_(std::move(trainer)) {}

  Trainer& trainer() { return *trainer_; }
  const Trainer& trainer() const { return *trainer_; }

  // No other run may write the file then: see Trainer::hold().
  void set_checkpoints(const CheckpointPolicy& policy);
  const CheckpointPolicy& checkpoints() const { return checkpoints_; }
  // Where a run begins with what a checkpoint holds, there is nothing to write before a step.
  void begins_saved() { saved_step_ = trainer_->steps_done(); }
  int64_t saved_step() const { return saved_step_; }  // of the last checkpoint; below 0: none

  // After each epoch whose validation top-1 is the highest so far, the weights are kept in this
  // file; empty: no more. Throws invalid_state where the trainer has no validation data.
  void keep_best(const std::string& file, DataType stored = DataType::f32);

  // Steps until all epochs are run, or `steps` more (0: no limit), and a checkpoint at the end.
  // False: it was stopped before. A stop in the last step, or in the validation after it, comes too
  // late; where the best epoch is kept, that validation is made to its end. With validation data an
  // epoch ends by measuring them.
  bool run(const RunWatch& watch, int64_t steps = 0);

  // Of the steps of this epoch that this run has made; of the whole epoch while its end is told.
  struct Sums {
    double steps = 0, loss = 0, accuracy = 0, seconds = 0, waited = 0;
  };
  const Sums& sums() const { return sums_; }
  double images_per_second() const;

  // Another clock, for tests.
  std::function<std::chrono::steady_clock::time_point()> now = std::chrono::steady_clock::now;

 private:
  bool prepare(const RunWatch& watch);
  void step(const RunWatch& watch);
  bool checkpoint_due(bool epoch_ends) const;
  void save();
  bool epoch_ended() const;
  EpochRow row_of(const StepResult& step) const;
  std::optional<Evaluation> validate(const RunWatch& watch);
  void judge(const Evaluation& validation);
  void catch_up(const RunWatch& watch);

  std::unique_ptr<Trainer> trainer_;
  CheckpointPolicy checkpoints_;
  std::string best_;  // the file; empty: none
  DataType best_stored_ = DataType::f32;
  Sums sums_;
  int64_t saved_step_ = -1;
  std::chrono::steady_clock::time_point saved_at_{};
  bool told_broken_ = false;
};

}  // namespace alx
