// Networks read from JSON.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/number.h"
#include "core/text.h"
#include "graph/bounds.h"
#include "graph/op_fields.h"
#include "graph/schedule.h"
#include "weights/bytes.h"
#include "weights/format.h"
#include "weights/json_members.h"
#include "weights/spec_json.h"

namespace alx {
namespace {

using Json = nlohmann::json;

constexpr size_t longest_text = 4096;

constexpr const char* starts = "a number, he, torch, normal:DEVIATION or uniform:BOUND";

// "normal:0.01"; empty where it is none.
std::optional<Init> parse_start(const std::string& text) {
  using Kind = Init::Kind;
  if (text == "he") return Init{Kind::he};
  if (text == "torch") return Init{Kind::torch};
  const size_t colon = text.find(':');
  if (colon == text.npos) return std::nullopt;
  const std::string kind = text.substr(0, colon);
  const auto value = parse_number<float>(std::string_view(text).substr(colon + 1));
  if (!value || !std::isfinite(*value) || *value < 0) return std::nullopt;
  if (kind == "normal") return Init{Kind::normal, *value};
  if (kind == "uniform") return Init{Kind::uniform, *value};
  return std::nullopt;
}

int64_t bounded(Members& members, const char* key, const bounds::Whole& bound, int64_t otherwise) {
  return members.whole(key, bound.least, bound.most, otherwise);
}
float bounded(Members& members, const char* key, const bounds::Real& bound, float otherwise) {
  const Json* value = members.take(key);
  if (!value) return otherwise;
  const float number = members.to_number(key, *value, false);
  if (!bound.holds(number)) members.refuse(key, "a number in " + bound.range(), *value);
  return number;
}

// Reads the fields of one node into its op.
class FieldReader {
 public:
  FieldReader(Members& members, std::string where) : members_(members), where_(std::move(where)) {}

  template <class T>
  void operator()(const Field& field, T& value) {
    const Json* json = members_.take(field.name);
    if (json) return read(field, *json, value);
    // without an output width: that of the classes, where it makes the logits
    if (field.needed && std::string_view(field.name) != "out")
      members_.refuse_missing(field.name, field.what);
  }

 private:
  void read(const Field& field, const Json& json, int64_t& value) {
    value = members_.to_whole(field.name, json, static_cast<int64_t>(field.least),
                              static_cast<int64_t>(field.most));
  }
  void read(const Field& field, const Json& json, float& value) {
    value = members_.to_number(field.name, json, false);
    const bool too_large = field.most_excluded ? value >= field.most : value > field.most;
    if (value < field.least || too_large)
      members_.refuse(field.name,
                      cat("a number from ", field.least, " to ",
                          field.most_excluded ? "below " : "", field.most),
                      json);
  }
  void read(const Field& field, const Json& json, bool& value) {
    if (!json.is_boolean()) members_.refuse(field.name, "true or false", json);
    value = json.get<bool>();
  }
  template <class Enum>
  requires std::is_enum_v<Enum>
  void read(const Field& field, const Json&, Enum& value) {
    const auto words = words_of(value);
    const std::string word = members_.choice(field.name, words);
    value = static_cast<Enum>(std::ranges::find(words, word) - words.begin());
  }
  void read(const Field& field, const Json& json, Pad& pad) {
    const auto side = [&](const Json& one) {
      return members_.to_whole(field.name, one, 0, max_size);
    };
    if (!json.is_array()) {
      pad = Pad::all(side(json));
    } else if (json.size() == 4) {
      pad = {side(json[0]), side(json[1]), side(json[2]), side(json[3])};
    } else {
      members_.refuse(field.name, "a number, or [top, left, bottom, right]", json);
    }
  }
  void read(const Field& field, const Json& json, ParamRule& rule) {
    if (!json.is_object()) {
      rule = {.init = start(field.name, json, members_)};
      return;
    }
    Members members(json, where_, cat(field.name, "."));
    rule.init = start("start", members.need("start", starts), members);
    rule.rate = bounded(members, "rate", bounds::layer_rate, rule.rate);
    rule.decay = bounded(members, "decay", bounds::layer_rate, rule.decay);
    members.finish();
  }
  Init start(const std::string& key, const Json& json, const Members& members) const {
    if (json.is_number()) return {Init::Kind::constant, members.to_number(key, json, false)};
    const auto init =
        json.is_string() ? parse_start(json.get_ref<const std::string&>()) : std::nullopt;
    if (!init) members.refuse(key, starts, json);
    return *init;
  }

  Members& members_;
  const std::string where_;
};

Op op_named(const std::string& name, const std::string& where) {
  std::string known;
  for (Op& op : ops_in_files()) {
    if (name == name_of(op)) return op;
    known += (known.empty() ? "" : ", ") + std::string(name_of(op));
  }
  fail(Code::bad_file, where, ": no op is called ", in_quotes(name), "; there are: ", known);
}

std::vector<std::string> inputs_of(Members& members, const std::string& before) {
  const Json* given = members.take("inputs");
  if (!given) return {before};
  std::vector<std::string> inputs;
  if (!given->is_array() || given->empty() || given->size() > most_inputs)
    members.refuse("inputs", cat("a list of 1 to ", most_inputs, " names of nodes"), *given);
  for (const Json& name : *given) {
    if (!name.is_string()) members.refuse("inputs", "a list of names of nodes", name);
    inputs.push_back(members.to_text("inputs", name, longest_name));
  }
  return inputs;
}

Node read_node(const Json& json, size_t place, const std::string& before, const std::string& file) {
  const std::string at = cat(file, ": node ", place + 1);
  Members first(json, at);
  Node node;
  node.name = first.text("name");
  const std::string where =
      node.name.size() > longest_name ? at : cat(file, ": node ", in_quotes(node.name));
  for (const char* taken : {optimizer_prefix, self_test_prefix})
    check(!node.name.starts_with(taken), Code::bad_file, where, ": names that begin with ", taken,
          " are those of other tensors in weight files; choose another");
  Members members(json, where);
  members.text("name");
  node.op = op_named(members.text("op"), where);
  node.inputs = inputs_of(members, before);
  if (const Json* slot = members.take("slot"))
    node.slot = static_cast<size_t>(members.to_whole("slot", *slot, 0, most_slots - 1));
  std::visit([&](auto& op) { fields_of(op, FieldReader(members, where)); }, node.op);
  members.finish();
  return node;
}

void read_nodes(const Json& json, const std::string& where, NetSpec& spec) {
  check(json.is_array(), Code::bad_file, where, ": key \"nodes\" should be a list, but is ",
        json.type_name());
  check(json.size() <= most_nodes, Code::unsupported, where, ": ", json.size(),
        " nodes are over the limit of ", most_nodes);
  for (const Json& node : json)
    spec.nodes.push_back(read_node(node, spec.nodes.size(),
                                   spec.nodes.empty() ? data_name : spec.nodes.back().name, where));
}

// The layer that makes the logits has the width of the classes; every other one says its own.
void settle_widths(NetSpec& spec, const std::string& where) {
  check(spec.node(spec.logits) != nullptr, Code::bad_file, where,
        ": key \"logits\": no node is named ", in_quotes(spec.logits));
  Node* head = head_of(spec);
  for (Node& node : spec.nodes) {
    int64_t* out = output_channels(node.op);
    if (!out) continue;
    const bool said = *out != 0;
    check(said || &node == head, Code::bad_file, where, ": node ", in_quotes(node.name),
          ": key \"out\" is missing; only the layer that makes the logits takes its width from the "
          "classes");
    check(!said || &node != head || *out == spec.classes, Code::bad_file, where, ": node ",
          in_quotes(node.name), " makes the logits of ", spec.classes,
          " classes, and its key \"out\" says ", *out, "; leave it out");
    if (&node == head) *out = spec.classes;
  }
}

// With the forms that there are, where it is none.
std::string schedule_in(Members& members, const std::string& where) {
  const std::string text = members.text("schedule", longest_text);
  try {
    return Schedule(text).text();
  } catch (const Error& error) {
    fail(Code::bad_file, where, ": key \"recipe.schedule\": ", error.what());
  }
}

Recipe read_recipe(const Json& json, const std::string& where) {
  Members members(json, where, "recipe.");
  Recipe recipe;
  recipe.batch = bounded(members, "batch", bounds::batch, recipe.batch);
  recipe.rate = bounded(members, "rate", bounds::rate, recipe.rate);
  recipe.momentum = bounded(members, "momentum", bounds::momentum, recipe.momentum);
  recipe.decay = bounded(members, "decay", bounds::decay, recipe.decay);
  recipe.epochs = bounded(members, "epochs", bounds::epochs, recipe.epochs);
  if (members.take("schedule")) recipe.schedule = schedule_in(members, where);
  recipe.rate_in_velocity = members.flag("rate_in_velocity", recipe.rate_in_velocity);
  const std::string mean = members.choice("mean", mean_words);
  recipe.mean = static_cast<Recipe::Mean>(std::ranges::find(mean_words, mean) - mean_words.begin());
  recipe.colour_noise = bounded(members, "color_noise", bounds::colour_noise, recipe.colour_noise);
  recipe.colour_divides = members.flag("color_divides", recipe.colour_divides);
  recipe.shared_crops = bounded(members, "shared_crops", bounds::batch, recipe.shared_crops);
  members.finish();
  return recipe;
}

std::string name_in(Members& members, const std::string& where) {
  const std::string name = members.text("name");
  const bool good =
      name.size() <= longest_network_name && name.find('/') == name.npos &&
      std::ranges::none_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  check(good, Code::bad_file, where, ": key \"name\" should be a name of at most ",
        longest_network_name, " bytes without slashes, but is ", in_quotes(name));
  return name;
}

void read_aliases(const Json& json, const std::string& where, NetSpec& spec) {
  Members members(json, where, "aliases.");
  check(json.size() <= most_nodes, Code::unsupported, where, ": ", json.size(),
        " aliases are over the limit of ", most_nodes);
  for (const auto& [alias, node] : json.items()) {
    check(alias.size() <= longest_name, Code::bad_file, where, ": an alias has ", alias.size(),
          " bytes, at most ", longest_name, " are possible: ", in_quotes(alias));
    spec.aliases[alias] = members.text(alias, longest_name);
  }
}

}  // namespace

void check_spec(const NetSpec& spec, const std::string& where) {
  try {
    layer_table(spec);
  } catch (const Error& error) {  // what the file asks for is the file's fault
    fail(Code::bad_file, where, ": ", error.what());
  }
  const Node& last = spec.nodes.back();
  check(facts_of(last.op).probabilities && last.inputs.front() == spec.logits, Code::bad_file,
        where, ": the last node is ", in_quotes(last.name), ", a ", name_of(last.op),
        "; it must be a softmax that reads the logits, ", in_quotes(spec.logits));
}

NetSpec spec_from_json(const std::string& text, const std::string& where, SpecPart part,
                       const Limits& limits) {
  // A weight file's was read once without what has its usual value, and is written with it.
  const size_t largest = part == SpecPart::whole ? largest_spec : 2 * largest_spec;
  check(text.size() <= largest, Code::unsupported, where, ": ", text.size(), " bytes are over ",
        largest, ", the limit of a network's spec");
  const Document document{parse_json_strictly(text, where, limits)};
  Members members(document.json, where);
  if (members.take("$schema")) members.text("$schema");  // for editors
  const int64_t format = members.whole("format", 1, INT64_MAX);
  check(format <= spec_format, Code::unsupported, where, " has format ", format,
        ", and this library knows ", spec_format, ": use a newer libalexnet");
  NetSpec spec;
  spec.id = name_in(members, where);
  if (members.take("source")) spec.source = members.text("source", longest_text);
  spec.classes = members.whole("classes", 1, max_classes);
  if (part == SpecPart::whole) {
    spec.input = input_from(members.need("input", "an object: how a picture becomes the input"),
                            where + ": input", limits);
    check(
        spec.input.mean_image.empty(), Code::bad_file, where,
        ": input: a mean image is a tensor of a weight file; give a mean, and \"mean\": \"image\" "
        "in the recipe");
    if (const Json* labels = members.take("labels")) {
      spec.labels = labels_from(*labels, where + ": labels");
      check(static_cast<int64_t>(spec.labels.size()) == spec.classes, Code::bad_file, where, ": ",
            spec.labels.size(), " labels for ", spec.classes, " classes");
    }
  }
  if (const Json* recipe = members.take("recipe")) spec.recipe = read_recipe(*recipe, where);
  if (const Json* aliases = members.take("aliases")) read_aliases(*aliases, where, spec);
  spec.logits = members.text("logits", longest_name);
  read_nodes(members.need("nodes", "the list of nodes"), where, spec);
  members.finish();
  settle_widths(spec, where);
  if (part == SpecPart::whole) check_spec(spec, where);
  return spec;
}

}  // namespace alx
