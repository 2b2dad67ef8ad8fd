#include "graph/spec.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "core/error.h"
#include "core/text.h"

namespace alx {
namespace {

constexpr int64_t most_elements = int64_t{1} << 40;  // of a node's output and parameters, one image

std::string title(const NetSpec& spec) { return spec.id.empty() ? "network" : spec.id; }

template <class... Args>
[[noreturn]] void fail_at(const NetSpec& spec, const Node& node, Args&&... args) {
  fail(Code::invalid_argument, title(spec), ": node \"", node.name,
       "\": ", std::forward<Args>(args)...);
}

void check_name(const NetSpec& spec, const Node& node, const std::set<std::string>& known) {
  check(!node.name.empty(), Code::invalid_argument, title(spec), ": a ", name_of(node.op),
        " node has no name; give every node one");
  if (known.count(node.name)) {
    fail_at(spec, node,
            node.name == data_name || node.name == labels_name || node.name == loss_name
                ? "this name is reserved; choose another"
                : "another node has this name already; names must be unique");
  }
  if (!is_utf8(node.name))
    fail(Code::invalid_argument, title(spec), ": a node's name is not valid UTF-8");
  if (node.name.size() > longest_name)
    fail(Code::invalid_argument, title(spec), ": a node's name has ", node.name.size(),
         " bytes, at most ", longest_name, " are possible: ", node.name.substr(0, 40), "...");
}

void check_input(const NetSpec& spec, const Node& node, size_t index,
                 const std::set<std::string>& known) {
  const std::string& input = node.inputs[index];
  if (input == labels_name) {
    if (index == 1 && facts_of(node.op).labels) return;
    fail_at(spec, node, "only the second input of a softmax_loss may be \"labels\", not input ",
            index, " of a ", name_of(node.op));
  }
  if (input != loss_name && known.count(input)) return;
  const bool later = std::any_of(spec.nodes.begin(), spec.nodes.end(),
                                 [&](const Node& n) { return n.name == input; });
  if (later)
    fail_at(
        spec, node, "reads \"", input,
        "\", which does not come before it; put the nodes in the order they run, without cycles");
  fail_at(spec, node, "reads \"", input,
          "\", and no node has that name; an input is an earlier node or \"data\"");
}

// Names, order and inputs: everything that can be checked without shapes.
void check_structure(const NetSpec& spec) {
  check(!spec.nodes.empty(), Code::invalid_argument, title(spec), ": has no nodes");
  std::set<std::string> known{data_name, labels_name, loss_name};
  for (const Node& node : spec.nodes) {
    check_name(spec, node, known);
    if (facts_of(node.op).by_planning)
      fail_at(spec, node, "planning inserts every ", name_of(node.op),
              " by itself; read the value directly");
    if (node.inputs.empty())
      fail_at(spec, node, "has no input; give it \"data\" or an earlier node");
    for (size_t i = 0; i < node.inputs.size(); ++i) check_input(spec, node, i, known);
    known.insert(node.name);
  }
  for (const auto& [alias, target] : spec.aliases)
    check(known.count(target) != 0 && target != labels_name && target != loss_name,
          Code::invalid_argument, title(spec), ": alias \"", alias, "\" stands for \"", target,
          "\", and no node has that name");
}

// The slot of every node, in order. Needs a checked structure. A device is bound to every slot, so
// none may be left out.
std::vector<size_t> resolve_slots(const NetSpec& spec) {
  std::map<std::string, size_t> slot_of{{data_name, 0}, {labels_name, 0}};
  std::vector<size_t> slots;
  for (const Node& node : spec.nodes) {
    slots.push_back(node.slot ? *node.slot : slot_of.at(node.inputs.front()));
    slot_of[node.name] = slots.back();
  }
  size_t expected = 0;
  for (size_t slot : std::set(slots.begin(), slots.end())) {
    const auto at =
        static_cast<size_t>(std::find(slots.begin(), slots.end(), slot) - slots.begin());
    if (slot != expected)
      fail_at(spec, spec.nodes[at], "lies on slot ", slot, ", and no node on slot ", expected,
              "; number the slots without gaps");
    ++expected;
  }
  return slots;
}

struct Visit {
  const Node& node;
  size_t slot;
  const std::vector<Shape>& inputs;
  const Shape& output;
};

void check_logits(const NetSpec& spec, const std::map<std::string, Shape>& shapes, int64_t batch) {
  if (spec.logits.empty()) return;
  const auto found = shapes.find(spec.logits);
  check(found != shapes.end() && spec.logits != data_name, Code::invalid_argument, title(spec),
        ": the logits are \"", spec.logits, "\", and no node has that name");
  const Shape expected{batch, spec.classes};
  check(found->second == expected, Code::invalid_argument, title(spec), ": node \"", spec.logits,
        "\": logits of ", spec.classes, " classes must be ", to_string(expected), ", these are ",
        to_string(found->second));
}

// Checks the whole graph and calls `visit` for every node, in order.
template <class F>
void walk(const NetSpec& spec, int64_t batch, F&& visit) {
  check(batch >= 1, Code::invalid_argument, title(spec), ": the batch must be at least 1, got ",
        batch);
  check(spec.input.height >= 1 && spec.input.width >= 1, Code::invalid_argument, title(spec),
        ": an input of ", spec.input.height, " x ", spec.input.width,
        " is not possible; both sides must be at least 1");
  check_structure(spec);
  const std::vector<size_t> slots = resolve_slots(spec);
  std::map<std::string, Shape> shapes{
      {data_name, {batch, spec.input.channels, spec.input.height, spec.input.width}},
      {labels_name, {batch}}};
  for (size_t i = 0; i < spec.nodes.size(); ++i) {
    const Node& node = spec.nodes[i];
    std::vector<Shape> inputs;
    for (const std::string& input : node.inputs) inputs.push_back(shapes.at(input));
    try {
      shapes[node.name] = output_shapes(node.op, inputs).front();
      visit(Visit{node, slots[i], inputs, shapes[node.name]});
    } catch (const Error& error) {
      fail(error.code(), title(spec), ": node \"", node.name, "\": ", error.what());
    }
  }
  check_logits(spec, shapes, batch);
}

int64_t sum(int64_t a, int64_t b) {
  int64_t result = 0;
  check(!__builtin_add_overflow(a, b, &result), Code::invalid_argument, "a count of ", a, " + ", b,
        " elements is too large");
  return result;
}

}  // namespace

void set_size(InputSpec& input, int64_t height, int64_t width) {
  const auto longest = [&] { return static_cast<double>(std::max(input.height, input.width)); };
  const double ratio = static_cast<double>(input.resize_size) / longest();
  if (height > 0) input.height = height;
  if (width > 0) input.width = width;
  input.resize_size = std::llround(longest() * ratio);
}

const Node* head_of(const NetSpec& spec) {
  const Node* node = spec.node(spec.logits);
  for (size_t steps = 0; node && steps < spec.nodes.size(); ++steps) {
    Op op = node->op;
    if (output_channels(op)) return node;
    if (node->inputs.size() != 1) return nullptr;
    node = spec.node(node->inputs.front());
  }
  return nullptr;
}

Node* head_of(NetSpec& spec) {
  return const_cast<Node*>(head_of(static_cast<const NetSpec&>(spec)));
}

void set_classes(NetSpec& spec, int64_t classes) {
  if (classes == spec.classes) return;
  Node* head = head_of(spec);
  check(head != nullptr, Code::invalid_argument, title(spec), ": the logits, \"", spec.logits,
        "\", come from no single conv or linear whose width could be changed to ", classes,
        " classes");
  *output_channels(head->op) = classes;
  spec.classes = classes;
  spec.labels.clear();
}

const Node* NetSpec::find(const std::string& name) const {
  const auto alias = aliases.find(name);
  return node(alias == aliases.end() ? name : alias->second);
}

const Node* NetSpec::node(const std::string& name) const {
  const auto found =
      std::find_if(nodes.begin(), nodes.end(), [&](const Node& n) { return n.name == name; });
  return found == nodes.end() ? nullptr : &*found;
}

const Node& NetSpec::at(const std::string& name) const {
  if (const Node* node = find(name)) return *node;
  std::string known;
  for (const Node& each : nodes) known += (known.empty() ? "" : ", ") + each.name;
  for (const auto& [alias, target] : aliases)
    if (!node(alias)) known += cat(", ", alias, " (", target, ")");
  fail(Code::not_found, title(*this), ": no layer is named \"", name, "\"; there are: ", known);
}

size_t NetSpec::slots() const { return std::ranges::max(slots_of(*this)) + 1; }

std::vector<size_t> slots_of(const NetSpec& spec) {
  check_structure(spec);
  return resolve_slots(spec);
}

std::map<std::string, Shape> infer_shapes(const NetSpec& spec, int64_t batch) {
  std::map<std::string, Shape> shapes;
  walk(spec, batch, [&](const Visit& visit) { shapes[visit.node.name] = visit.output; });
  return shapes;
}

std::vector<ParamSpec> params_of(const NetSpec& spec) {
  std::vector<ParamSpec> params;
  walk(spec, 1, [&](const Visit& visit) {
    for (const ParamShape& param : param_shapes(visit.node.op, visit.inputs))
      params.push_back(param_of(visit.node.name, visit.node.part, param));
  });
  return params;
}

ParamSpec param_of(const std::string& node, const std::optional<LayerPart>& part,
                   const ParamShape& param) {
  return {node + "." + param.suffix, node, param.shape, param.rule, part};
}

ParamSpec whole_of(const ParamSpec& param) {
  ParamSpec whole = param;
  if (!param.part) return whole;
  whole.node = param.part->layer;
  whole.name = whole.node + param.name.substr(param.node.size());
  if (param.part->whole > 0) whole.shape[0] = param.part->whole;
  whole.part.reset();
  return whole;
}

std::vector<LayerInfo> layer_table(const NetSpec& spec) {
  std::vector<LayerInfo> table;
  walk(spec, 1, [&](const Visit& visit) {
    const Op& op = visit.node.op;
    LayerInfo info{visit.node.name, name_of(op), detail_of(op), visit.output, 0, 0, 0, visit.slot};
    for (const ParamShape& param : param_shapes(op, visit.inputs))
      info.parameters = sum(info.parameters, element_count(param.shape));
    info.multiply_adds = multiply_adds(op, visit.inputs);
    const int64_t elements = sum(info.parameters, element_count(visit.output));
    check(elements <= most_elements, Code::invalid_argument, title(spec), ": node \"",
          visit.node.name, "\": ", elements, " numbers are over the limit of ", most_elements);
    info.bytes = elements * 4;
    table.push_back(std::move(info));
  });
  return table;
}

}  // namespace alx
