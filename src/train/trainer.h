// The training loop: batch, forward, backward, update, checkpoint. Momentum SGD as in the paper's
// section 5.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/host_services.h"
#include "core/output_lock.h"
#include "data/pipeline.h"
#include "graph/schedule.h"
#include "network/evaluate.h"
#include "network/model.h"
#include "train/frozen.h"
#include "train/rate_watch.h"
#include "train/replicas.h"

namespace alx {

struct TrainOptions {
  Recipe recipe;  // batch, rate, momentum, decay, epochs, schedule: start from spec.recipe
  uint64_t seed = 1;
  // Those of the network's slots; with a multiple of them each batch is shared by as many networks
  // (data parallelism).
  std::string devices = "cpu";
  int threads = 0;
  Augment augment;
  // several devices of a one-column network: by images and by units, see train/hybrid.h
  bool hybrid = false;
  // Of activations and products; weights and sums stay f32. f16 scales the loss. "cpu" trains in
  // f32 alone.
  Precision precision = Precision::fp32;
  float label_smoothing = 0;
  // A picture's loss counts by its class, more where that has fewer: see balanced_weights().
  bool balance_classes = false;
  bool dropout = true;  // off: for comparisons with other programs
  // weight file to start from, or the network whose weights come with the library; empty: drawn
  std::string init;
  bool new_head = false;  // of that file without its last layer
  // Of these weights all but the last layer stay, and pictures are not varied: see train/frozen.h.
  bool freeze = false;
  // What the frozen layers make of a set is kept in memory up to so many bytes, else in a temporary
  // file in this folder (empty: where the system keeps such files).
  int64_t feature_bytes = int64_t{2} << 30;
  std::string cache_folder;
  // Factors of single layers' rates, beside their own: 0 freezes. "conv1" means conv1a and conv1b
  // too, "conv*" what begins so.
  std::map<std::string, float> layer_rates;
  int data_threads = 1;
  bool tells = true;  // of its pictures; off: for those of a benchmark
  // For validate(), and what a plateau schedule watches then; null: none, and the training loss.
  std::shared_ptr<const Dataset> validation;
  double validation_share = 0;  // of each class's pictures, split off for that instead; 0: none
  HostServices host;
  Limits limits;  // of weight files and checkpoints that are read
};

struct StepResult {
  int64_t step = 0;                // steps done, this one included
  double epoch = 0;                // epochs done, fractional
  double loss = 0;                 // mean over the batch, before the update
  double accuracy = 0;             // top-1 fraction of the batch
  double rate = 0;                 // used in this step
  double seconds = 0, waited = 0;  // wall time of the step; of it, waiting for data
};

// The epoch whose weights are kept beside the last ones: that of the highest validation top-1.
struct BestEpoch {
  double top1 = -1;         // below 0: none yet
  int64_t step = 0;         // with which it ended
  int64_t judged_step = 0;  // the last epoch that was compared ended with it
  std::string pictures;     // by what the validation set is known again, see fingerprint.h
};

// What a file says of the run that wrote it; empty where it is no checkpoint.
struct CheckpointState {
  int64_t step = 0, total_steps = 0;
};
std::optional<CheckpointState> read_checkpoint_state(const std::string& path);

// Used by one thread at a time.
class Trainer {
 public:
  // The spec's class count must be the data's: make the spec so.
  Trainer(const NetSpec& spec, std::shared_ptr<const Dataset> data, TrainOptions options);
  // Goes on where a checkpoint stopped: network, recipe and position come from the file, `options`
  // gives devices, threads and epochs (0: the file's). Bit-equal to a run that was never stopped,
  // on the same machine and threads.
  static std::unique_ptr<Trainer> resume(const std::string& checkpoint,
                                         std::shared_ptr<const Dataset> data, TrainOptions options);

  // The network that a trainer with these options would run, without weights: what memory it would
  // take.
  static std::unique_ptr<Replicas> plan(const NetSpec& spec, const TrainOptions& options,
                                        const std::vector<float>& class_weights = {});
  // what is trained: where all but the last layer is frozen, that layer alone
  const Network& network() const { return replicas_->network(); }

  // What comes before the first step: of frozen layers, what they make of the pictures. step() and
  // validate() do it too; here it can be watched and cancelled, and the next call goes on.
  void prepare(const EvaluateOptions& watch = {});

  bool done() const;  // all epochs are run
  StepResult step();  // where it throws, the next call makes the same step again
  // A step to its end on every device: its seconds, without those of the wait for data. step()
  // returns while a GPU is still busy with the backward pass, and that could hide in the next
  // step's wait.
  double timed_step();
  int64_t steps_per_epoch() const;
  int64_t total_steps() const;
  int64_t steps_done() const { return step_; }
  int64_t broken() const;  // pictures that could not be read so far
  const NetSpec& spec() const { return spec_; }
  const Dataset& data() const { return *data_; }
  const TrainOptions& options() const { return options_; }

  // Keeps other runs from writing this file as long as it is held; the saves below hold theirs
  // while they write. Throws invalid_state where another run, of this process too, holds it.
  void hold(const std::string& path);
  void hold(OutputLock lock) { held_.push_back(std::move(lock)); }
  void release(const std::string& path);

  // Kept in checkpoints, so that a resumed run replaces no better epoch by a worse one.
  const BestEpoch& best() const { return best_; }
  void set_best(const BestEpoch& best);

  // Everything that resume() needs, atomically.
  void save_checkpoint(const std::string& path) const;
  // Weights, preprocessing, labels and a self-test (one input and its probabilities). `stored`:
  // f32, f16 or bf16.
  void save_weights(const std::string& path, DataType stored = DataType::f32) const;
  // An immutable copy of the network as it is now.
  std::shared_ptr<const Model> model() const;
  // Accuracy of the weights as they are now.
  Evaluation evaluate(const Dataset& data, const EvaluateOptions& options = {});
  // Of the validation set of the options; computed once after each step.
  const Evaluation& validate(const EvaluateOptions& options = {});

 private:
  Trainer() = default;
  static void check_options(const TrainOptions& options, const NetSpec& spec, const Dataset& data);
  void measure_data(NetSpec& spec, MeanImage& mean, const Dataset& data,
                    const TrainOptions& options);
  void start(const NetSpec& spec, MeanImage mean, std::shared_ptr<const Dataset> data,
             const TrainOptions& options, const WeightSource& weights);
  std::map<std::string, std::string> metadata() const;
  std::optional<OutputLock> lock(const std::string& path) const;  // empty: it is held
  void read_states(const WeightFile& file);
  struct StoredParam {
    ParamSpec spec;
    std::function<std::vector<float>()> read;
  };
  std::vector<StoredParam> learned_params() const, all_params() const;  // all: frozen ones too
  static WeightSource weights_of(const std::vector<StoredParam>& params);
  void start_pipeline();
  void next_batch();
  StepResult make_step();
  void measure(StepResult& result);
  void refuse_divergence(const StepResult& result) const;
  double divisor_of_loss() const;
  void judge_epoch();

  NetSpec spec_;
  TrainOptions options_;
  std::shared_ptr<const Dataset> data_;
  std::optional<ColourComponents> colours_;  // of the data; empty: there is no colour noise
  std::shared_ptr<const Preprocessor> preprocessor_;
  std::unique_ptr<FrozenPart> frozen_;      // null: nothing is, and there is a pipeline
  std::unique_ptr<DataPipeline> pipeline_;  // made with the first step
  std::unique_ptr<Replicas> replicas_;
  std::vector<float> class_weights_;  // empty: none
  std::optional<RateWatch> rate_watch_;
  std::optional<Schedule> schedule_;
  Plateau plateau_;
  BestEpoch best_;
  std::optional<Evaluation> validated_;
  std::optional<int64_t> validated_step_;
  Batch batch_;
  std::vector<float> losses_, probabilities_;
  std::vector<OutputLock> held_;
  mutable std::string pictures_;  // the data's fingerprint, made for the first checkpoint
  int64_t step_ = 0;
  double waited_ = 0;   // of this pipeline
  int64_t broken_ = 0;  // of earlier pipelines
};

}  // namespace alx
