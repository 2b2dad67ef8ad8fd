#include "graph/lower.h"

#include <algorithm>
#include <set>

#include "core/error.h"

namespace alx {
namespace {

const std::string data_name = "data", labels_name = "labels", loss_name = "loss";

// The nodes as they are rewritten, still by name. `outputs` are names that must stay observable.
struct Draft {
  std::vector<Node> nodes;
  std::vector<std::string> outputs;

  Node* find(const std::string& name) {
    const auto it = std::find_if(nodes.begin(), nodes.end(), [&](const Node& n) { return n.name == name; });
    return it == nodes.end() ? nullptr : &*it;
  }
  bool observed(const std::string& name) const {
    return std::find(outputs.begin(), outputs.end(), name) != outputs.end();
  }
  std::vector<Node*> consumers(const std::string& name) {
    std::vector<Node*> found;
    for (Node& node : nodes)
      for (const std::string& input : node.inputs)
        if (input == name) found.push_back(&node);
    return found;
  }
  // Readers of `name` read `other` from now on.
  void redirect(const std::string& name, const std::string& other) {
    for (Node& node : nodes) std::replace(node.inputs.begin(), node.inputs.end(), name, other);
  }
};

void resolve_slots(std::vector<Node>& nodes) {
  std::map<std::string, int> slot{{data_name, 0}, {labels_name, 0}};
  for (Node& node : nodes) {
    if (node.slot == inherit_slot) node.slot = slot.at(node.inputs.front());
    slot[node.name] = node.slot;
  }
}

void drop_unneeded(Draft& draft) {
  std::set<std::string> needed(draft.outputs.begin(), draft.outputs.end());
  for (auto node = draft.nodes.rbegin(); node != draft.nodes.rend(); ++node)
    if (needed.count(node->name)) needed.insert(node->inputs.begin(), node->inputs.end());
  std::erase_if(draft.nodes, [&](const Node& node) { return !needed.count(node.name); });
}

// Nodes that compute nothing here: inverted dropout at inference, and a Flatten that only Linear reads.
void drop_identities(Draft& draft, Phase phase) {
  for (size_t i = 0; i < draft.nodes.size();) {
    const Node node = draft.nodes[i];
    bool identity = false;
    if (const auto* dropout = std::get_if<Dropout>(&node.op)) identity = phase == Phase::inference && dropout->inverted;
    if (std::holds_alternative<Flatten>(node.op)) {
      const auto readers = draft.consumers(node.name);
      identity = std::all_of(readers.begin(), readers.end(),
                             [](const Node* reader) { return std::holds_alternative<Linear>(reader->op); });
    }
    if (!identity || draft.observed(node.name)) {
      ++i;
      continue;
    }
    draft.redirect(node.name, node.inputs.front());
    draft.nodes.erase(draft.nodes.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

Activation* activation_of(Op& op) {
  if (auto* conv = std::get_if<Conv>(&op)) return &conv->activation;
  if (auto* linear = std::get_if<Linear>(&op)) return &linear->activation;
  return nullptr;
}

// conv -> relu becomes one node that keeps the convolution's name and parameters; its value carries the relu's name.
void fuse_activations(Draft& draft, std::map<std::string, std::string>& value_names) {
  for (size_t i = 0; i < draft.nodes.size();) {
    const Node node = draft.nodes[i];
    const bool relu = std::holds_alternative<Relu>(node.op), tanh = std::holds_alternative<Tanh>(node.op);
    Node* producer = relu || tanh ? draft.find(node.inputs.front()) : nullptr;
    Activation* activation = producer ? activation_of(producer->op) : nullptr;
    if (!activation || *activation != Activation::none || producer->slot != node.slot ||
        draft.observed(producer->name) || draft.consumers(producer->name).size() != 1) {
      ++i;
      continue;
    }
    *activation = relu ? Activation::relu : Activation::tanh;
    value_names[node.name] = producer->name;
    draft.redirect(node.name, producer->name);
    draft.nodes.erase(draft.nodes.begin() + static_cast<std::ptrdiff_t>(i));
  }
}

// An edge between slots passes through one Copy for each reading slot.
void insert_copies(Draft& draft) {
  std::map<std::string, int> slot{{data_name, 0}, {labels_name, 0}};
  std::set<std::string> made;
  std::vector<Node> nodes;
  for (Node node : draft.nodes) {
    for (std::string& input : node.inputs) {
      const int from = slot.at(input);
      if (from == node.slot) continue;
      const std::string copy = cat(input, ":slot", node.slot);
      if (made.insert(copy).second) nodes.push_back({copy, Copy{}, {input}, node.slot});
      slot[copy] = node.slot;
      input = copy;
    }
    slot[node.name] = node.slot;
    nodes.push_back(std::move(node));
  }
  draft.nodes = std::move(nodes);
}

class Builder {
 public:
  Builder(const NetSpec& spec, const LowerRequest& request, Lowered& net) : net_(net) {
    net.data = add_value(data_name, {request.batch, 3, spec.input.height, spec.input.width}, DataType::f32, 0, false);
    if (request.loss) net.labels = add_value(labels_name, {request.batch}, DataType::i32, 0, false);
  }

  void add(Draft& draft, const Node& node) {
    LoweredNode lowered{node.name, node.op, node.slot, {}, {}, {}};
    std::vector<Shape> inputs;
    bool grad = false;
    for (const std::string& input : node.inputs) {
      lowered.inputs.push_back(take(input));
      const Value& value = net_.values[static_cast<size_t>(lowered.inputs.back())];
      inputs.push_back(value.shape);
      grad |= value.needs_grad;
    }
    for (const ParamShape& param : param_shapes(node.op, inputs)) {
      lowered.params.push_back(static_cast<int>(net_.params.size()));
      const auto* linear = std::get_if<Linear>(&node.op);
      net_.params.push_back({node.name + "." + param.suffix, node.name, param.shape, param.rule,
                             linear ? linear->first : 0, linear ? linear->whole : 0});
      grad |= param.rule.rate != 0;  // what is frozen, and lies behind frozen layers alone, needs no backward pass
    }
    int index = 0;
    for (const Shape& shape : output_shapes(node.op, inputs)) {
      const std::string name = index++ == 0 ? node.name : loss_name;  // only SoftmaxLoss has a second output
      lowered.outputs.push_back(add_value(name, shape, DataType::f32, node.slot, grad));
    }
    net_.nodes.push_back(std::move(lowered));
    split(draft, node.name);
  }

  // A value with several readers: each reads an output of its own of one Split. An observer needs none.
  void split(Draft& draft, const std::string& name) {
    const auto readers = static_cast<int64_t>(draft.consumers(name).size());
    if (readers < 2) return;
    const int source = produced_.at(name);
    const Value value = net_.values[static_cast<size_t>(source)];
    LoweredNode node{name + ":split", Split{readers}, value.slot, {source}, {}, {}};
    for (int64_t way = 0; way < readers; ++way) {
      node.outputs.push_back(add_value(cat(name, ":", way), value.shape, value.type, value.slot, value.needs_grad));
      ways_[name].push_back(node.outputs.back());
    }
    net_.nodes.push_back(std::move(node));
  }

  int produced(const std::string& name) const { return produced_.at(name); }

 private:
  int add_value(const std::string& name, Shape shape, DataType type, int slot, bool grad) {
    net_.values.push_back({name, std::move(shape), type, slot, grad});
    return produced_[name] = static_cast<int>(net_.values.size()) - 1;
  }
  int take(const std::string& name) {
    auto& ways = ways_[name];
    if (ways.empty()) return produced_.at(name);
    const int way = ways.front();
    ways.erase(ways.begin());
    return way;
  }

  Lowered& net_;
  std::map<std::string, int> produced_;
  std::map<std::string, std::vector<int>> ways_;
};

Draft make_draft(const NetSpec& spec, const LowerRequest& request) {
  Draft draft{spec.nodes, {}};
  for (const std::string& name : request.outputs) draft.outputs.push_back(spec.at(name).name);
  if (request.loss) {
    std::erase_if(draft.nodes, [](const Node& node) { return std::holds_alternative<Softmax>(node.op); });
    draft.nodes.push_back({"prob", SoftmaxLoss{request.label_smoothing}, {spec.logits, labels_name}, inherit_slot});
    draft.outputs.push_back("prob");
  } else if (draft.outputs.empty()) {
    draft.outputs.push_back(spec.nodes.back().name);
  }
  return draft;
}

}  // namespace

Lowered lower(const NetSpec& spec, const LowerRequest& request) {
  infer_shapes(spec, request.batch);  // refuses what is wrong, with full messages
  Draft draft = make_draft(spec, request);
  resolve_slots(draft.nodes);
  drop_unneeded(draft);
  drop_identities(draft, request.phase);
  std::map<std::string, std::string> value_names;
  fuse_activations(draft, value_names);
  insert_copies(draft);

  Lowered net;
  Builder builder(spec, request, net);
  builder.split(draft, data_name);
  for (const Node& node : draft.nodes) builder.add(draft, node);
  const auto value_of = [&](std::string name) {
    if (const auto fused = value_names.find(name); fused != value_names.end()) name = fused->second;
    return builder.produced(name);
  };
  for (const std::string& name : draft.outputs) net.outputs[name] = value_of(name);
  if (request.loss) net.outputs[loss_name] = builder.produced(loss_name);
  return net;
}

}  // namespace alx
