// Planning, steps 2 and 3: compile every node on its device, insert reorders where layouts differ, decide what shares
// memory, and place it. The result is two flat lists of actions that run without allocating.
#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "graph/lower.h"

namespace alx {

struct PlannedParam {
  ParamSpec spec;
  int device = 0;
  TensorDesc desc;  // packed
};

struct Action {
  Kernel* kernel = nullptr;
  bool backward = false;
  std::string name;
  std::vector<int> gradients;  // the parameters whose gradients it makes
};

// Where a value can be read after a run.
struct Location {
  int device = 0;
  TensorDesc desc;
  int tensor = -1;
};

struct MemoryReport {  // bytes
  size_t weights = 0;
  size_t gradients = 0;             // of all parameters, or of those that exist at once
  size_t activations = 0;           // the rest of the arena: what kernels read, write, save and work in
  size_t workspace = 0;             // of that, the largest scratch area of one kernel
  size_t activations_unshared = 0;  // what they would take if nothing shared memory
};

class Plan {
 public:
  // Gradients that are not kept share memory: each is whole only until the action after the one that makes it.
  Plan(const Lowered& net, const std::vector<std::shared_ptr<Backend>>& slots, Phase phase, DataType precision,
       bool keep_gradients);
  ~Plan();

  const std::vector<PlannedParam>& params() const { return params_; }
  const std::vector<std::shared_ptr<Backend>>& devices() const { return devices_; }  // without repeats
  const std::vector<Action>& forward() const { return forward_; }
  const std::vector<Action>& backward() const { return backward_; }
  const std::map<std::string, Location>& outputs() const { return outputs_; }
  const Location& data() const { return data_; }
  const Location& labels() const { return labels_; }
  MemoryReport memory(int device) const;  // of devices()[device]

  // Binds every kernel: allocates the arenas; `weights` are addresses in the order of params().
  void bind(const std::vector<void*>& weights);
  void* address(const Location& location) const;  // after bind
  void* gradient(size_t param) const;             // after bind, of a plan for training

  // One line an action: name, implementation, layouts. For people.
  std::string describe() const;

 private:
  struct Compiler;
  std::vector<std::shared_ptr<Backend>> devices_;
  std::vector<PlannedParam> params_;
  std::vector<std::unique_ptr<Kernel>> kernels_;
  std::vector<Action> forward_, backward_;
  std::map<std::string, Location> outputs_;
  Location data_, labels_;
  std::vector<int> gradients_;  // tensors, one for each parameter; empty for inference
  bool keep_gradients_;

  // Tensors the kernels are bound to. Several may share a block.
  struct Tensor {
    size_t bytes = 0;
    int device = 0, first = 0, last = 0;
    int block = -1;  // index of the tensor that owns the memory
  };
  struct Use {  // the tensors of one kernel, -1 where there is none
    std::vector<int> inputs, outputs, input_grads, output_grads, params;
    int forward_workspace = -1, backward_workspace = -1, state = -1;
  };
  std::vector<Tensor> tensors_;
  std::vector<Use> uses_;  // one for each kernel
  std::vector<size_t> offsets_;
  std::vector<size_t> arena_bytes_;
  std::vector<std::shared_ptr<Buffer>> arenas_;
};

}  // namespace alx
