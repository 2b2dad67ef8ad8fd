// What stands behind the opaque types. A handle holds what it was made from, so handles may be
// freed in any order.
#pragma once
#include <algorithm>
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "alexnet/alexnet.h"
#include "core/limits.h"
#include "data/dataset_memory.h"
#include "graph/bounds.h"
#include "guard.h"
#include "network/feature_index.h"
#include "network/nearest.h"
#include "train/overrides.h"
#include "train/run.h"

namespace alx::capi {

// The memory of a context's tensors: counted, bounded, and from the program's own functions where
// it gave some.
class ContextMemory {
 public:
  struct Source {  // NULL functions: operator new
    alexnet_allocate_callback allocate = nullptr;
    alexnet_deallocate_callback deallocate = nullptr;
    void* user_data = nullptr;
  };
  void set_source(const Source& source);
  void set_limit(int64_t bytes) { counter_->limit = bytes; }  // 0: none
  int64_t in_use() const { return counter_->in_use; }
  std::shared_ptr<HostAllocator> allocator() const;  // gives from the present source

  struct Counter {
    std::atomic<int64_t> in_use{0}, limit{0};
  };

 private:
  mutable std::mutex mutex_;
  Source source_;
  std::shared_ptr<Counter> counter_ = std::make_shared<Counter>();
};

// What outlives a context's handle as long as something made in it does.
class Settings {
 public:
  struct Pool {  // NULL function: the library's own threads
    alexnet_parallel_for_callback call = nullptr;
    void* user_data = nullptr;
    int32_t most_at_once = 0;
  };
  std::atomic<int32_t> threads{0};
  ContextMemory memory;

  void set_pool(const Pool& pool) {
    const std::lock_guard lock(mutex_);
    pool_ = pool;
  }
  // What the program gives now; loops are cut for so many threads (0: all that it has).
  HostServices host(int32_t wanted_threads) const;
  Limits limits() const {
    const std::lock_guard lock(mutex_);
    return limits_;
  }
  void set_limit(int64_t Limits::*kind, int64_t value) {
    const std::lock_guard lock(mutex_);
    limits_.*kind = value;
  }

 private:
  mutable std::mutex mutex_;
  Limits limits_;
  Pool pool_;
};
// NULL: the default context
std::shared_ptr<Settings> settings_of(alexnet_context* context);
// of readers without a context
inline Limits usual_limits() { return settings_of(nullptr)->limits(); }

constexpr int64_t max_threads = bounds::threads.most;
inline void require_threads(int32_t threads) { check_bound(bounds::threads, threads); }
Precision precision_of(alexnet_precision precision);
DataType stored_type_of(alexnet_precision precision);  // what files hold: not int8

alexnet_model* make_model_handle(std::shared_ptr<const Model> model,
                                 std::shared_ptr<const Settings> settings);
alexnet_evaluation* make_evaluation_handle(Evaluation evaluation, std::vector<std::string> labels);
// Options that pass progress on; `stop`, which must outlive them, becomes true where `progress`
// says so.
EvaluateOptions evaluate_options(int32_t crops, alexnet_progress_callback progress, void* user_data,
                                 bool& stop);
// Passes progress on; empty where there is nobody. `stop` as above.
std::function<void(int64_t done, int64_t total)> progress_of(alexnet_progress_callback progress,
                                                             void* user_data, bool& stop);
alexnet_memory* make_memory_handle(const Network& network, Phase phase);

// A handle serves one thread at a time: a second one is told so instead of waiting.
template <class Handle>
class Work {
 public:
  Work(Handle* handle, const char* argument) : handle_(handle) {
    require(handle, argument);
    check(!handle->at_work.exchange(true), Code::invalid_state, "the ", argument,
          " is at work in another thread; it serves one at a time");
  }
  ~Work() { handle_->at_work = false; }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

 private:
  Handle* handle_;
};

}  // namespace alx::capi

struct alexnet_context {
  std::shared_ptr<alx::capi::Settings> settings = std::make_shared<alx::capi::Settings>();
};

struct alexnet_model {
  std::shared_ptr<const alx::Model> model;
  std::vector<alx::LayerInfo> layers;
  std::string input_json;
  std::shared_ptr<const alx::capi::Settings> settings;
};

struct alexnet_session_options {
  alx::SessionOptions options;
};

struct alexnet_session {
  std::unique_ptr<alx::Session> session;
  std::shared_ptr<const alx::capi::Settings> settings;  // the model's
  std::shared_ptr<const alx::Model> model;
  std::vector<std::string> outputs;
  std::atomic<bool> at_work{false};
};

struct alexnet_image {
  alx::Image image;
};

struct alexnet_result {
  std::shared_ptr<const alx::Model> model;  // owner of the labels
  std::vector<float> probabilities;
  std::vector<std::vector<alx::Ranked>> ranked;  // of each image, all classes
  struct Layer {
    std::string layer;
    std::vector<float> values;  // of one image after the other
  };
  std::vector<Layer> layers;  // the session's outputs
};

struct alexnet_index {
  std::shared_ptr<const alx::FeatureIndex> index;
  std::shared_ptr<const alx::capi::Settings> settings;
};

struct alexnet_neighbours {
  std::vector<alx::Neighbour> found;
  std::vector<std::string> paths;
};

struct alexnet_evaluation {
  alx::Evaluation evaluation;
  std::vector<std::string> labels;
};

struct alexnet_memory {
  std::vector<alx::MemoryReport> devices;
  bool training;
};

struct alexnet_weights {
  alx::WeightFile file;
};

struct alexnet_dataset {
  std::shared_ptr<const alx::Dataset> data;
  alx::MemoryDataset* growing = nullptr;  // `data` where the program fills it
};

struct alexnet_train_options {
  alx::Overrides overrides;
};

struct alexnet_trainer {
  std::unique_ptr<alx::TrainingRun> run;
  std::shared_ptr<const alx::capi::Settings> settings;
  std::atomic<bool> at_work{false};
  enum class Work { none, running, cancelled };  // what alexnet_trainer_cancel ends
  std::atomic<Work> work{Work::none};
  std::atomic<int64_t> steps_done{0};
  std::mutex callback_mutex;  // held while the callback runs, so that removing it waits
  alexnet_step_callback callback = nullptr;
  void* user_data = nullptr;
};
