// Networks written as JSON.
#include "core/text.h"
#include "graph/op_fields.h"
#include "weights/json_text.h"
#include "weights/spec_json.h"
#include "weights/weights.h"

namespace alx {
namespace {

using namespace json_text;

std::string value_of(int64_t value) { return std::to_string(value); }
std::string value_of(float value) { return number(value); }
std::string value_of(bool value) { return flag(value); }
template <class Enum>
requires std::is_enum_v<Enum> std::string value_of(Enum value) {
  return quoted(words_of(value)[static_cast<size_t>(value)]);
}
std::string value_of(const Pad& pad) {
  if (pad == Pad::all(pad.top)) return std::to_string(pad.top);
  return cat("[", pad.top, ",", pad.left, ",", pad.bottom, ",", pad.right, "]");
}
std::string value_of(const ParamRule& rule) {
  const std::string start = rule.init.kind == Init::Kind::constant ? number(rule.init.value)
                                                                   : quoted(start_text(rule.init));
  if (rule == ParamRule{.init = rule.init}) return start;
  return cat(R"({"start":)", start, R"(,"rate":)", number(rule.rate), R"(,"decay":)",
             number(rule.decay), "}");
}

// `before`: what it reads where it does not say.
std::string node_text(const Node& node, const std::string& before, bool is_head) {
  std::string text = cat(R"({"name":)", quoted(node.name), R"(,"op":")", name_of(node.op), '"');
  if (node.inputs != std::vector{before}) text += R"(,"inputs":)" + list(node.inputs);
  if (node.slot) text += cat(R"(,"slot":)", *node.slot);
  Op op = node.op;
  std::visit(
      [&](auto& o) {
        fields_of(o, [&](const Field& field, const auto& value) {
          if (is_head && std::string_view(field.name) == "out") return;
          text += cat(",\"", field.name, "\":", value_of(value));
        });
      },
      op);
  return text + "}";
}

std::string recipe_text(const Recipe& recipe) {
  return cat(R"({"batch":)", recipe.batch, R"(,"rate":)", number(recipe.rate), R"(,"momentum":)",
             number(recipe.momentum), R"(,"decay":)", number(recipe.decay), R"(,"epochs":)",
             recipe.epochs, R"(,"schedule":)", quoted(recipe.schedule), R"(,"rate_in_velocity":)",
             flag(recipe.rate_in_velocity), R"(,"mean":")",
             mean_words[static_cast<size_t>(recipe.mean)], R"(","color_noise":)",
             number(recipe.colour_noise), R"(,"color_divides":)", flag(recipe.colour_divides),
             R"(,"shared_crops":)", recipe.shared_crops, "}");
}

std::string aliases_text(const NetSpec& spec) {
  std::vector<std::string> items;
  for (const auto& [alias, node] : spec.aliases)
    items.push_back(quoted(alias) + ":" + quoted(node));
  return cat("{", joined(items, ","), "}");
}

}  // namespace

std::string start_text(const Init& init) {
  switch (init.kind) {
    case Init::Kind::constant: return number(init.value);
    case Init::Kind::normal: return "normal:" + number(init.value);
    case Init::Kind::uniform: return "uniform:" + number(init.value);
    case Init::Kind::he: return "he";
    case Init::Kind::torch: return "torch";
  }
  return "";
}

std::string to_json(const NetSpec& spec, SpecPart part) {
  const bool whole = part == SpecPart::whole;
  const std::string next = whole ? ",\n " : ",";
  std::string text = cat(R"({"format":)", spec_format, next, R"("name":)", quoted(spec.id));
  if (!spec.source.empty()) text += cat(next, R"("source":)", quoted(spec.source));
  text += cat(next, R"("classes":)", spec.classes);
  if (whole && !spec.labels.empty()) text += cat(next, R"("labels":)", list(spec.labels));
  if (whole) text += cat(next, R"("input":)", to_json(spec.input));
  text += cat(next, R"("recipe":)", recipe_text(spec.recipe));
  if (!spec.aliases.empty()) text += cat(next, R"("aliases":)", aliases_text(spec));
  text += cat(next, R"("logits":)", quoted(spec.logits), next, R"("nodes":[)");
  const Node* head = head_of(spec);
  std::string before = data_name;
  for (const Node& node : spec.nodes) {
    text += cat(&node == &spec.nodes.front() ? "" : ",", whole ? "\n  " : "",
                node_text(node, before, &node == head));
    before = node.name;
  }
  return text + (whole ? "\n ]}\n" : "]}");
}

}  // namespace alx
