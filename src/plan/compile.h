// Planning, step 2: every node, or run of nodes, becomes a kernel of its device, with reorders
// where layouts differ. What the kernels read and write are tensors, which have no place in memory
// yet.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/lower.h"

namespace alx {

struct PlannedParam {
  ParamSpec spec;
  size_t device = 0;
  TensorDesc desc;  // packed
};

struct Action {
  Kernel* kernel = nullptr;
  size_t index = 0;       // of the kernel
  bool backward = false;  // which of its two passes runs; a reorder runs forward in either list
  std::string name;
  std::vector<size_t> gradients = {};  // the parameters whose gradients it makes
};

// Where a value can be read after a run.
struct Location {
  size_t device = 0;
  TensorDesc desc;
  size_t tensor = 0;
};

struct PlannedTensor {
  size_t bytes = 0, device = 0;
  // the tensor whose memory this one is by the kernel's own words; its own number: none
  size_t memory_of = 0;
};

struct CompiledKernel {
  using Tensors = std::vector<std::optional<size_t>>;  // empty where there is none
  std::unique_ptr<Kernel> kernel = {};
  Tensors inputs = {}, outputs = {}, input_grads = {}, output_grads = {};
  std::vector<size_t> params = {};
  std::optional<size_t> forward_workspace = {}, backward_workspace = {}, state = {};
};

struct Compiled {
  std::vector<PlannedParam> params;
  std::vector<CompiledKernel> kernels;
  std::vector<Action> forward, backward;
  std::vector<PlannedTensor> tensors;
  std::vector<size_t> gradients;  // a tensor for each parameter; none in inference
  Location data, result;
  std::optional<Location> labels, loss;
  std::map<std::string, Location> outputs;
};

// The devices of a network: each once, and which of them runs each slot.
struct Devices {
  std::vector<std::shared_ptr<Backend>> list;
  std::vector<size_t> of_slot;
};

struct PlanOptions {
  Phase phase = Phase::inference;
  Precision precision = Precision::fp32;
  std::map<std::string, Precision> layers;  // nodes that compute in another one
  bool keep_gradients = true;  // else they share memory: each is whole only until the action after
                               // the one that makes it
  bool runs = true;            // backends may take several nodes as one kernel
};

Compiled compile(const Lowered& net, const Devices& devices, const PlanOptions& options);

}  // namespace alx
