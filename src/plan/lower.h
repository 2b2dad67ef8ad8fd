// Planning, step 1: from a NetSpec to a list of nodes over values, blind to devices. Fan-out
// becomes Split, edges between slots become Copy, activations fold into the convolution or linear
// layer before them. Nodes and values go by their numbers here; names are for people.
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "backends/backend.h"
#include "graph/spec.h"

namespace alx {

struct Value {
  std::string name;
  Shape shape;
  DataType type = DataType::f32;
  size_t slot = 0;
  bool needs_grad = false;
};

struct LoweredNode {
  std::string name;
  LayerPart layer;
  Op op;
  size_t slot = 0;
  std::vector<size_t> inputs = {}, outputs = {};  // values
  std::vector<size_t> params = {};
};

struct Lowered {
  std::vector<Value> values;
  std::vector<LoweredNode> nodes;  // in the order in which they run
  std::vector<ParamSpec> params;   // only of nodes that are left
  // Values. Labels: where something reads them. Loss: one number an image.
  size_t data = 0;
  std::optional<size_t> labels, loss;
  size_t result = 0;                      // of the network's end: probabilities, as a rule
  std::map<std::string, size_t> outputs;  // wanted node -> its value
};

struct LowerRequest {
  int64_t batch = 1;
  Phase phase = Phase::inference;
  // end in SoftmaxLoss over spec.logits, in place of the Softmax that ends the spec
  bool loss = false;
  float label_smoothing = 0;
  std::vector<float> class_weights = {};  // see SoftmaxLoss
  std::vector<std::string> outputs;       // nodes to be observed besides the end, by name or alias
};

Lowered lower(const NetSpec& spec, const LowerRequest& request);

}  // namespace alx
