// Planning, step 1: from a NetSpec to a list of nodes over values, blind to devices. Fan-out becomes Split, edges
// between slots become Copy, activations fold into the convolution or linear layer before them.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "graph/spec.h"

namespace alx {

struct Value {
  std::string name;
  Shape shape;
  DataType type = DataType::f32;
  int slot = 0;
  bool needs_grad = false;
};

struct LoweredNode {
  std::string name;
  Op op;
  int slot = 0;
  std::vector<int> inputs, outputs;  // indices of values
  std::vector<int> params;           // indices of params
};

struct Lowered {
  std::vector<Value> values;
  std::vector<LoweredNode> nodes;      // in the order in which they run
  std::vector<ParamSpec> params;       // only of nodes that are left
  int data = -1, labels = -1;          // values
  std::map<std::string, int> outputs;  // wanted node -> its value; for a loss: "loss" and "prob"
};

struct LowerRequest {
  int64_t batch = 1;
  Phase phase = Phase::inference;
  bool loss = false;  // end in SoftmaxLoss over spec.logits instead of the spec's own last node
  float label_smoothing = 0;
  std::vector<std::string> outputs;  // nodes to be observed, by name or alias; empty: the last node (or the loss)
};

Lowered lower(const NetSpec& spec, const LowerRequest& request);

}  // namespace alx
