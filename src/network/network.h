// A NetSpec bound to devices, batch and phase: memory is allocated, weights are packed, and steps
// run.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "network/repeated.h"
#include "plan/plan.h"

namespace alx {

struct NetworkOptions {
  int64_t batch = 1;
  Phase phase = Phase::inference;
  Precision precision = Precision::fp32;
  std::map<std::string, Precision> layer_precisions = {};  // nodes that compute in another one
  // after backward(); else they share memory and backward()'s on_gradient takes each
  bool keep_gradients = true;
  bool loss = false;  // ends in the softmax loss over labels; training always does
  float label_smoothing = 0;
  std::vector<float> class_weights = {};  // in the loss, one for each class; empty: none
  std::vector<std::string> outputs;       // layers to be read besides; names or aliases
  bool runs = true;                       // devices may take several layers as one kernel
};

// Gives a parameter's dense f32 elements in parts of whole rows (the first dimension), in order.
// `rows`: of one part.
using PartSink = std::function<void(int64_t first_row, std::span<const float> elements)>;
using WeightSource =
    std::function<void(const ParamSpec& param, int64_t rows, const PartSink& sink)>;

// The initial weights of the spec: element i of a parameter depends on (seed, the parameter's name,
// i) alone.
WeightSource random_weights(uint64_t seed);

// Packed weights that several networks read: one copy for each parameter, backend kind and layout,
// alive as long as a network uses it. Safe from several threads.
class SharedWeights {
 public:
  std::shared_ptr<Buffer> find_or_make(const std::string& backend, const PlannedParam& param,
                                       const std::function<std::shared_ptr<Buffer>()>& make);

 private:
  struct Entry {
    std::string backend, param;
    TensorDesc desc;
    std::weak_ptr<Buffer> buffer;
  };
  std::mutex mutex_;
  std::vector<Entry> entries_;
};

// What a pass of a kernel does at least.
struct PassCost {
  int products;  // how often its layer's multiply-adds: backward for each gradient
  size_t bytes;  // that it reads and writes
};
PassCost cost_of(const KernelSpec& spec, bool backward);

// Of one kernel's pass in Network::profile().
struct ActionTime {
  std::string name, implementation;
  bool backward;
  PassCost cost;
  double seconds;
};

// Used by one thread at a time.
class Network {
 public:
  // `devices[i]` runs slot i; the last one runs the remaining slots too.
  Network(const NetSpec& spec, const std::vector<std::shared_ptr<Backend>>& devices,
          const NetworkOptions& options);

  // Packs every weight; with `shared`, weights packed before by a network of the same model are
  // used as they are.
  void load(const WeightSource& source, SharedWeights* shared = nullptr);

  int64_t batch() const { return options_.batch; }
  Shape input_shape() const { return plan_.data().desc.shape; }
  // (batch, 3, height, width); fewer images: the rest is zero
  void set_input(std::span<const float> images);
  // As set_input(); returns the place of the first value that is no finite number, or how many
  // there are. With one that is none the input is not set.
  size_t set_finite_input(std::span<const float> images);
  void set_labels(std::span<const int32_t> labels);  // fewer: the rest is -1, which does not count

  void forward(const StepContext& step = {});
  void backward(const StepContext& step = {}) {
    backward(step, [](size_t) {});
  }
  // on_gradient(param) is called with each parameter once its gradient is whole and its weight is
  // not read any more.
  template <class OnGradient>
  void backward(const StepContext& step, OnGradient on_gradient) {
    begin_backward(step);
    for (size_t part = 0; part < backward_parts(); ++part)
      for (size_t param : run_backward(part)) on_gradient(param);
  }
  // The same in parts, for several networks side by side. A part gives the parameters whose
  // gradients are whole then.
  void begin_backward(const StepContext& step);
  size_t backward_parts() const { return plan_.backward().size(); }
  const std::vector<size_t>& run_backward(size_t part);

  // A layer's activations, or "loss" (one number an image), dense. The layer must be among
  // options.outputs, or the network's last.
  Shape shape(const std::string& output) const;
  void read(const std::string& output, std::span<float> values) const;
  std::vector<float> read(const std::string& output) const;
  // of inference: the spec's own last node
  const std::string& result() const { return spec_.nodes.back().name; }
  // what the network ends in: with a loss, its probabilities
  void read_result(std::span<float> values) const;

  const std::vector<PlannedParam>& params() const { return plan_.params(); }
  std::vector<float> read_param(size_t index) const;
  std::vector<float> read_gradient(size_t index) const;  // of a network that keeps them
  // A buffer laid out as this parameter (a solver's momentum), dense.
  std::vector<float> download(size_t param, const void* packed) const;
  Backend& device_of(size_t param) const;
  void* weight(size_t param) const { return weights_[param]->data(); }
  void* gradient(size_t param) const { return plan_.gradient(param); }

  // Of the i-th device, in the order they were given and without repeats.
  size_t device_count() const { return plan_.devices().size(); }
  MemoryReport memory(size_t device = 0) const { return plan_.memory(device); }
  void synchronize() const;  // until the devices have done all that they were given
  Backend* only_device() const { return device_count() == 1 ? plan_.devices()[0].get() : nullptr; }
  std::string describe() const { return plan_.describe(); }
  // Runs what forward() and backward() run, each kernel to its end by itself: median times, in the
  // order of describe(). Needs weights; reads whatever input is there.
  std::vector<ActionTime> profile(int repeats);

 private:
  const Location& location(const std::string& output) const;
  Backend& device_of(const Location& place) const { return *plan_.devices()[place.device]; }
  std::span<const float> whole_input(std::span<const float> images);
  void place_weights(const WeightSource& source, SharedWeights* shared);
  std::string what_would_fit() const;

  NetSpec spec_;
  NetworkOptions options_;
  // outlive the plan, whose end waits for what reads them
  std::vector<std::shared_ptr<Buffer>> weights_;
  Plan plan_;
  Repeated forward_;
  std::vector<float> input_;  // staging that fills up a short batch; empty until there is one
  std::vector<int32_t> labels_;
};

}  // namespace alx
