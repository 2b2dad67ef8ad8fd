// Prints the JSON schema of spec files, for editors: made from the fields that the reader takes.
// docs/network.schema.json is its output, which a test holds.
#include <iostream>
#include <nlohmann/json.hpp>

#include "graph/bounds.h"
#include "graph/op_fields.h"
#include "weights/spec_json.h"

namespace alx {
namespace {

using Json = nlohmann::ordered_json;

Json reference(const std::string& name) { return {{"$ref", "#/$defs/" + name}}; }
Json text(size_t longest) { return {{"type", "string"}, {"minLength", 1}, {"maxLength", longest}}; }
Json whole(double least, double most) {
  return {{"type", "integer"},
          {"minimum", static_cast<int64_t>(least)},
          {"maximum", static_cast<int64_t>(most)}};
}
Json within(const bounds::Whole& bound) {
  return {{"type", "integer"}, {"minimum", bound.least}, {"maximum", bound.most}};
}
Json within(const bounds::Real& bound) {
  return {{"type", "number"},
          {bound.above ? "exclusiveMinimum" : "minimum", bound.least},
          {bound.below ? "exclusiveMaximum" : "maximum", bound.most}};
}
template <class Words>
Json one_of(const Words& words) {
  return {{"enum", words}};
}

Json schema_of(const Field& field, int64_t) { return whole(field.least, field.most); }
Json schema_of(const Field& field, float) {
  return {{"type", "number"},
          {"minimum", field.least},
          {field.most_excluded ? "exclusiveMaximum" : "maximum", field.most}};
}
Json schema_of(const Field&, bool) { return {{"type", "boolean"}}; }
template <class Enum>
requires std::is_enum_v<Enum> Json schema_of(const Field&, Enum value) {
  return one_of(words_of(value));
}
Json schema_of(const Field&, const Pad&) { return reference("pad"); }
Json schema_of(const Field&, const ParamRule&) { return reference("start"); }

Json node_of(Op op) {
  Json properties = {{"name", text(longest_name)},
                     {"op", {{"const", name_of(op)}}},
                     {"inputs", reference("inputs")},
                     {"slot", whole(0, most_slots - 1)}};
  Json required = {"name", "op"};
  std::visit(
      [&](auto& o) {
        fields_of(o, [&](const Field& field, const auto& value) {
          Json schema = schema_of(field, value);
          schema["description"] = field.what;
          properties[field.name] = std::move(schema);
          if (field.needed && std::string_view(field.name) != "out") required.push_back(field.name);
        });
      },
      op);
  return {{"type", "object"},
          {"properties", properties},
          {"required", required},
          {"additionalProperties", false}};
}

Json start_schema() {
  const Json value = {
      {"anyOf",
       {{{"type", "number"}},
        {{"type", "string"},
         {"pattern", R"(^(he|torch|(normal|uniform):(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)$)"}}}}};
  const Json factor = within(bounds::layer_rate);
  return {{"anyOf",
           {value,
            {{"type", "object"},
             {"properties", {{"start", value}, {"rate", factor}, {"decay", factor}}},
             {"required", {"start"}},
             {"additionalProperties", false}}}}};
}

Json pad_schema() {
  const Json side = whole(0, max_size);
  return {
      {"anyOf", {side, {{"type", "array"}, {"items", side}, {"minItems", 4}, {"maxItems", 4}}}}};
}

Json input_schema() {
  const Json side = whole(1, max_input_side),
             positive = {{"type", "number"}, {"exclusiveMinimum", 0}};
  const auto triple = [](const Json& item) -> Json {
    return {{"type", "array"}, {"items", item}, {"minItems", 3}, {"maxItems", 3}};
  };
  const Json resize = {{"type", "object"},
                       {"properties",
                        {{"mode", one_of(std::array{"short_side", "squash", "none"})},
                         {"size", side},
                         {"interpolation", one_of(std::array{"bilinear"})},
                         {"antialias", {{"type", "boolean"}}}}},
                       {"required", {"mode"}},
                       {"additionalProperties", false}};
  return {{"type", "object"},
          {"properties",
           {{"height", side},
            {"width", side},
            {"channel_order", one_of(std::array{"RGB", "BGR"})},
            {"scale", positive},
            {"mean", triple({{"type", "number"}})},
            {"std", triple(positive)},
            {"resize", resize},
            {"crop", one_of(std::array{"center"})}}},
          {"required", {"height", "width", "scale", "mean", "resize"}},
          {"additionalProperties", false}};
}

Json recipe_schema() {
  const Json flag = {{"type", "boolean"}};
  return {{"type", "object"},
          {"properties",
           {{"batch", within(bounds::batch)},
            {"rate", within(bounds::rate)},
            {"momentum", within(bounds::momentum)},
            {"decay", within(bounds::decay)},
            {"epochs", within(bounds::epochs)},
            {"schedule", {{"type", "string"}, {"minLength", 1}}},
            {"rate_in_velocity", flag},
            {"mean", one_of(mean_words)},
            {"color_noise", within(bounds::colour_noise)},
            {"color_divides", flag},
            {"shared_crops", within(bounds::batch)}}},
          {"additionalProperties", false}};
}

Json schema() {
  Json nodes = Json::array();
  for (const Op& op : ops_in_files()) nodes.push_back(node_of(op));
  Json name = text(longest_network_name);
  name["pattern"] = R"(^[^/\u0000-\u001f\u007f]+$)";
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "A network of libalexnet"},
          {"type", "object"},
          {"properties",
           {{"$schema", {{"type", "string"}}},
            {"format", {{"const", spec_format}}},
            {"name", name},
            {"source", {{"type", "string"}, {"minLength", 1}}},
            {"classes", whole(1, max_classes)},
            {"labels", {{"type", "array"}, {"items", {{"type", "string"}}}}},
            {"input", input_schema()},
            {"recipe", recipe_schema()},
            {"aliases", {{"type", "object"}, {"additionalProperties", text(longest_name)}}},
            {"logits", text(longest_name)},
            {"nodes",
             {{"type", "array"},
              {"minItems", 1},
              {"maxItems", most_nodes},
              {"items", reference("node")}}}}},
          {"required", {"format", "name", "classes", "input", "logits", "nodes"}},
          {"additionalProperties", false},
          {"$defs",
           {{"node", {{"oneOf", nodes}}},
            {"inputs",
             {{"type", "array"},
              {"items", text(longest_name)},
              {"minItems", 1},
              {"maxItems", most_inputs}}},
            {"pad", pad_schema()},
            {"start", start_schema()}}}};
}

}  // namespace
}  // namespace alx

int main() { std::cout << alx::schema().dump(1) << '\n'; }
