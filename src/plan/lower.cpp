#include "plan/lower.h"

#include <algorithm>

#include "core/error.h"

namespace alx {
namespace {

// What a node can read: the pictures, the labels, then the items of the draft.
constexpr size_t data_source = 0, labels_source = 1, first_item = 2;

struct Item {
  std::string name;
  std::optional<LayerPart> part;
  Op op;
  size_t slot = 0;
  std::vector<size_t> inputs = {};  // sources
  bool observed = false;            // its value must be there to be read
  bool kept = true;
};

// The nodes as they are rewritten.
class Draft {
 public:
  Draft(const NetSpec& spec, const LowerRequest& request);

  std::vector<Item>& items() { return items_; }
  size_t end() const { return end_; }  // source of the network's result
  const std::vector<size_t>& wanted() const { return wanted_; }

  // What now holds the value of this source.
  size_t holder(size_t source) const {
    while (replaced_by_[source] != source) source = replaced_by_[source];
    return source;
  }
  Item* item(size_t source) { return source < first_item ? nullptr : &items_[source - first_item]; }
  template <class Visit>
  void each_reader(size_t source, Visit visit) const {
    for (const Item& item : items_)
      if (item.kept)
        for (size_t input : item.inputs)
          if (holder(input) == source) visit(item);
  }
  // Readers of this item read `source` from now on.
  void replace(size_t i, size_t source) {
    items_[i].kept = false;
    replaced_by_[i + first_item] = source;
  }

 private:
  void end_in_loss(const NetSpec& spec, const LowerRequest& request,
                   const std::map<std::string, size_t>& sources);

  std::vector<Item> items_;
  std::vector<size_t> replaced_by_;  // source -> source
  std::vector<size_t> wanted_;       // sources, in the order of the request
  size_t end_ = 0;
};

Draft::Draft(const NetSpec& spec, const LowerRequest& request) {
  const std::vector<size_t> slots = slots_of(spec);
  std::map<std::string, size_t> sources{{data_name, data_source}, {labels_name, labels_source}};
  for (const Node& node : spec.nodes) {
    Item item{node.name, node.part, node.op, slots[items_.size()]};
    for (const std::string& input : node.inputs) item.inputs.push_back(sources.at(input));
    sources[node.name] = items_.size() + first_item;
    items_.push_back(std::move(item));
  }
  end_ = items_.size() - 1 + first_item;
  for (size_t source = 0; source < items_.size() + first_item + 1; ++source)
    replaced_by_.push_back(source);
  if (request.loss) end_in_loss(spec, request, sources);
  for (const std::string& name : request.outputs) wanted_.push_back(sources.at(spec.at(name).name));
  for (size_t source : wanted_) item(holder(source))->observed = true;
  item(end_)->observed = true;
}

// The probabilities of the loss stand for those of the Softmax over the same logits that ends the
// network.
void Draft::end_in_loss(const NetSpec& spec, const LowerRequest& request,
                        const std::map<std::string, size_t>& sources) {
  check(!spec.logits.empty(), Code::invalid_argument, spec.id,
        ": a loss needs to know which node gives the logits, and the network names none");
  const size_t logits = sources.at(spec.logits), last = items_.size() - 1;
  const bool ends_in_softmax =
      facts_of(items_[last].op).probabilities && items_[last].inputs.front() == logits;
  items_.push_back({ends_in_softmax ? items_[last].name : loss_name,
                    {},
                    SoftmaxLoss{request.label_smoothing, request.class_weights},
                    item(logits)->slot,
                    {logits, labels_source}});
  end_ = items_.size() - 1 + first_item;
  if (ends_in_softmax) replace(last, end_);
}

void drop_unneeded(Draft& draft) {
  std::vector<Item>& items = draft.items();
  std::vector<bool> needed(items.size() + first_item);
  for (size_t i = items.size(); i-- > 0;) {
    Item& item = items[i];
    item.kept = item.kept && (item.observed || needed[i + first_item]);
    if (item.kept)
      for (size_t input : item.inputs) needed[draft.holder(input)] = true;
  }
}

// Nodes that compute nothing here: inverted dropout at inference, and a Flatten that only fully
// connected layers read.
void drop_identities(Draft& draft, Phase phase) {
  for (size_t i = 0; i < draft.items().size(); ++i) {
    const Item& item = draft.items()[i];
    if (!item.kept || item.observed) continue;
    const OpFacts facts = facts_of(item.op);
    bool identity = facts.reshapes || (phase == Phase::inference && facts.identity_at_inference);
    if (facts.reshapes)
      draft.each_reader(i + first_item,
                        [&](const Item& reader) { identity &= facts_of(reader.op).dense; });
    if (identity) draft.replace(i, draft.holder(item.inputs.front()));
  }
}

// conv -> relu becomes one node that keeps the convolution's name and parameters, and gives the
// relu's value.
void fuse_activations(Draft& draft) {
  for (size_t i = 0; i < draft.items().size(); ++i) {
    const Item& item = draft.items()[i];
    const std::optional<Activation> function = facts_of(item.op).activation;
    if (!item.kept || !function) continue;
    const size_t source = draft.holder(item.inputs.front());
    Item* producer = draft.item(source);
    Activation* activation = producer ? fused_activation(producer->op) : nullptr;
    if (!activation || *activation != Activation::none || producer->slot != item.slot ||
        producer->observed)
      continue;
    size_t readers = 0;
    draft.each_reader(source, [&](const Item&) { ++readers; });
    if (readers != 1) continue;
    *activation = *function;
    producer->observed = item.observed;
    draft.replace(i, source);
  }
}

// Writes the draft as nodes over values. A value is read through one Copy on each other slot, and
// several readers on one slot each read an output of their own of one Split; who only observes
// needs neither.
class Emitter {
 public:
  Emitter(const NetSpec& spec, const LowerRequest& request, Draft& draft, Lowered& net)
      : draft_(draft), net_(net), loss_(request.loss), values_(draft.items().size() + first_item) {
    count_readers();
    net.data = values_[data_source] =
        add_value({data_name,
                   {request.batch, spec.input.channels, spec.input.height, spec.input.width},
                   DataType::f32,
                   0,
                   false});
    supply({data_source, 0}, net.data);
    if (!readers_.count({labels_source, 0})) return;
    values_[labels_source] = add_value({labels_name, {request.batch}, DataType::i32, 0, false});
    net.labels = values_[labels_source];
    supply({labels_source, 0}, *net.labels);
  }

  void emit(size_t i) {
    const Item& item = draft_.items()[i];
    const size_t source = i + first_item;
    for (size_t input : item.inputs) copy_to(item.slot, draft_.holder(input));
    LoweredNode node{item.name, item.part.value_or(LayerPart{item.name}), item.op, item.slot};
    for (size_t input : item.inputs) node.inputs.push_back(take({draft_.holder(input), item.slot}));
    const LoweredNode& added = add_node(std::move(node), item.part);
    if (loss_ && source == draft_.end()) net_.loss = added.outputs[1];
    values_[source] = added.outputs[0];
    supply({source, item.slot}, values_[source]);
  }

  size_t value_of(size_t source) const { return values_[draft_.holder(source)]; }

 private:
  using Place = std::pair<size_t, size_t>;  // a source, as it can be read on a slot

  size_t home(size_t source) { return source < first_item ? 0 : draft_.item(source)->slot; }

  void count_readers() {
    for (const Item& item : draft_.items())
      if (item.kept)
        for (size_t input : item.inputs) {
          const size_t source = draft_.holder(input);
          // the first reader on another slot is a Copy's, which reads at home
          if (readers_[{source, item.slot}]++ == 0 && item.slot != home(source))
            ++readers_[{source, home(source)}];
        }
  }

  size_t add_value(Value value) {
    net_.values.push_back(std::move(value));
    return net_.values.size() - 1;
  }

  // With its inputs set: adds its parameters and outputs.
  const LoweredNode& add_node(LoweredNode node, const std::optional<LayerPart>& part) {
    std::vector<Shape> inputs;
    bool grad = false;
    for (size_t input : node.inputs) {
      inputs.push_back(net_.values[input].shape);
      grad |= net_.values[input].needs_grad;
    }
    for (const ParamShape& param : param_shapes(node.op, inputs)) {
      node.params.push_back(net_.params.size());
      net_.params.push_back(param_of(node.name, part, param));
      // what is frozen, and lies behind frozen layers alone, needs no backward pass
      grad |= param.rule.rate != 0;
    }
    const DataType type = net_.values[node.inputs[0]].type;
    for (const Shape& shape : output_shapes(node.op, inputs))
      node.outputs.push_back(add_value({node.name, shape, type, node.slot, grad}));
    net_.nodes.push_back(std::move(node));
    return net_.nodes.back();
  }

  void copy_to(size_t slot, size_t source) {
    if (slot == home(source) || supplies_.count({source, slot})) return;
    const size_t from = take({source, home(source)});
    const std::string name = cat(net_.values[values_[source]].name, ":slot", slot);
    supply({source, slot}, add_node({name, {name}, Copy{}, slot, {from}}, {}).outputs[0]);
  }

  void supply(Place place, size_t value) {
    const size_t readers = readers_[place];
    if (readers > 1) {
      const std::string name = net_.values[value].name + ":split";
      supplies_[place] =
          add_node({name, {name}, Split{static_cast<int64_t>(readers)}, place.second, {value}}, {})
              .outputs;
    } else {
      supplies_[place] = {value};
    }
    std::ranges::reverse(supplies_[place]);
  }

  size_t take(Place place) {
    std::vector<size_t>& left = supplies_.at(place);
    const size_t value = left.back();
    left.pop_back();
    return value;
  }

  Draft& draft_;
  Lowered& net_;
  const bool loss_;
  std::vector<size_t> values_;                     // of each source, at home
  std::map<Place, size_t> readers_;                // how many
  std::map<Place, std::vector<size_t>> supplies_;  // values for readers to come, the next one last
};

}  // namespace

Lowered lower(const NetSpec& spec, const LowerRequest& request) {
  infer_shapes(spec, request.batch);  // refuses what is wrong, with full messages
  Draft draft(spec, request);
  drop_unneeded(draft);
  drop_identities(draft, request.phase);
  fuse_activations(draft);

  Lowered net;
  Emitter emitter(spec, request, draft, net);
  for (size_t i = 0; i < draft.items().size(); ++i)
    if (draft.items()[i].kept) emitter.emit(i);
  net.result = emitter.value_of(draft.end());
  if (draft.holder(spec.nodes.size() - 1 + first_item) == draft.holder(draft.end()))
    net.outputs[spec.nodes.back().name] = net.result;
  for (size_t i = 0; i < request.outputs.size(); ++i)
    net.outputs[spec.at(request.outputs[i]).name] = emitter.value_of(draft.wanted()[i]);
  return net;
}

}  // namespace alx
