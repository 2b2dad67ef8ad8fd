// Training of the last layer alone. The layers before it are frozen and pictures are not varied, so
// what these layers make of a picture is the same in each epoch: it is computed once.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/scratch_file.h"
#include "data/pipeline.h"
#include "network/evaluate.h"
#include "weights/weights.h"

namespace alx {

struct TrainOptions;

// A network before its last layer, and from there on: that layer with the dropout right before it,
// and what comes behind. The second one's input is the first one's result.
struct CutNetwork {
  NetSpec frozen, head;
};
CutNetwork cut_at_head(const NetSpec& spec);

// The one device that trains the head.
std::string device_of_head(const std::string& devices);

// What the frozen layers make of each picture of a set.
class FeatureSet {
 public:
  // `each`: numbers of one picture. Those of all lie in memory up to so many bytes, else in a
  // temporary file in this folder.
  FeatureSet(std::shared_ptr<const Dataset> data, int64_t each, int64_t most_bytes,
             const std::string& folder);

  // What this layer gives for the pictures that are missing: it goes on where it was cancelled.
  // `at_least`: the side that is needed of a picture; 0: all of it.
  void make(Session& frozen, const std::string& layer, int64_t at_least,
            const EvaluateOptions& watch);
  bool complete() const { return done_ == data_->size(); }

  const Dataset& data() const { return *data_; }
  int64_t broken() const { return broken_count_; }
  bool has(int64_t i) const { return !broken_[static_cast<size_t>(i)]; }
  void read(int64_t i, std::span<float> into) const;
  std::string place() const;  // for people: "in memory, 12 MB"

 private:
  void write(int64_t first, std::span<const float> features);

  std::shared_ptr<const Dataset> data_;
  const size_t each_;
  std::vector<float> values_;
  std::optional<ScratchFile> file_;  // where they do not lie in values_
  std::vector<bool> broken_;
  int64_t done_ = 0, broken_count_ = 0;
};

// Used by one thread at a time.
class FrozenPart {
 public:
  FrozenPart(const NetSpec& spec, const TrainOptions& options, const WeightSource& weights,
             std::shared_ptr<const Dataset> data, std::shared_ptr<const Preprocessor> preprocessor);

  const std::vector<ParamSpec>& params() const { return params_; }
  const std::vector<float>& weights_of(const ParamSpec& param) const {
    return weights_->at(param.name);
  }

  // Computes what is not there yet; `watch` may cancel it, and the next call goes on.
  void prepare(const EvaluateOptions& watch);
  int64_t broken() const { return training_.broken(); }
  // The batch of this step: the same pictures as the pipeline's, but for broken ones' places.
  void next(int64_t step, Batch& batch);
  // Of the validation set.
  Evaluation evaluate(const WeightSource& head) const;

 private:
  const CutNetwork cut_;
  const std::shared_ptr<const TrainOptions> options_;
  const std::shared_ptr<const Preprocessor> preprocessor_;
  std::vector<ParamSpec> params_;  // of the frozen layers
  std::shared_ptr<const DenseWeights> weights_;
  int64_t each_;
  FeatureSet training_;
  std::optional<FeatureSet> validation_;
  std::vector<int64_t> order_, classes_;  // of an epoch; of the validation set, as the network's
  int64_t order_epoch_ = -1;
};

}  // namespace alx
