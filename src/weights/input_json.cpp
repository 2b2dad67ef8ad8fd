// The JSON of `alexnet.input` and `alexnet.labels`.
#include "core/error.h"
#include "core/text.h"
#include "weights/bytes.h"
#include "weights/format.h"
#include "weights/json_members.h"
#include "weights/json_text.h"
#include "weights/weights.h"

namespace alx {
namespace {

using Json = nlohmann::json;
constexpr size_t longest_label = 4096;  // bytes; labels stand in messages

std::vector<float> triple(Members& members, const std::string& key, const Json& value,
                          bool positive) {
  if (!value.is_array() || value.size() != 3)
    members.refuse(key, "three numbers, one for each channel", value);
  std::vector<float> result;
  for (const Json& number : value) result.push_back(members.to_number(key, number, positive));
  return result;
}

void read_resize(const Json& json, const std::string& where, InputSpec& input) {
  Members resize(json, where, "resize.");
  resize.need("mode", "short_side, squash or none");
  const std::string mode = resize.choice("mode", {"short_side", "squash", "none"});
  using Resize = InputSpec::Resize;
  input.resize = mode == "squash" ? Resize::squash
                 : mode == "none" ? Resize::none
                                  : Resize::short_side;
  if (input.resize != Resize::none) {
    input.resize_size = resize.whole("size", 1, max_input_side);
  } else {
    resize.take("size");
  }
  resize.choice("interpolation", {"bilinear"});
  input.antialias = resize.flag("antialias", true);
  resize.finish();
}

}  // namespace

std::string to_json(const InputSpec& input) {
  using namespace json_text;
  using Resize = InputSpec::Resize;
  const std::string mode = input.resize == Resize::squash ? "squash"
                           : input.resize == Resize::none ? "none"
                                                          : "short_side";
  const std::string size =
      input.resize == Resize::none ? "" : cat(R"("size":)", input.resize_size, ",");
  const std::string mean = input.mean_image.empty() ? R"("mean":)" + list(input.mean)
                                                    : R"("mean_image":)" + quoted(input.mean_image);
  return cat(R"({"height":)", input.height, R"(,"width":)", input.width, R"(,"channel_order":)",
             quoted(input.channel_order), R"(,"scale":)", number(input.scale), ",", mean,
             R"(,"std":)", list(input.std), R"(,"resize":{"mode":)", quoted(mode), ",", size,
             R"("interpolation":"bilinear","antialias":)", input.antialias ? "true" : "false",
             R"(},"crop":"center"})");
}

InputSpec input_from_json(const std::string& given, const Limits& limits) {
  const Document document{parse_json(given, key_input, limits)};
  return input_from(document.json, key_input, limits);
}

InputSpec input_from(const Json& json, const std::string& where, const Limits& limits) {
  Members members(json, where);
  InputSpec input;
  input.height = members.whole("height", 1, max_input_side);
  input.width = members.whole("width", 1, max_input_side);
  input.channel_order = members.choice("channel_order", {"RGB", "BGR"});
  input.scale =
      members.to_number("scale", members.need("scale", "what a byte of 255 becomes"), true);
  if (members.take("mean_image")) {
    input.mean_image = members.text("mean_image");
    members.take("mean");
  } else {
    input.mean =
        triple(members, "mean", members.need("mean", "three numbers, one for each channel"), false);
  }
  if (const Json* deviation = members.take("std"))
    input.std = triple(members, "std", *deviation, true);
  read_resize(members.need("resize", "an object with mode and size"), where, input);
  members.choice("crop", {"center"});
  members.finish();
  check_pixels(input, where, limits);
  return input;
}

void check_pixels(const InputSpec& input, const std::string& where, const Limits& limits) {
  check(input.height * input.width <= limits.pixels, Code::unsupported, where, ": an input of ",
        input.width, " x ", input.height, " is over ", limits.pixels, " pixels, the limit");
  check(input.resize == InputSpec::Resize::none ||
            input.resize_size * input.resize_size <= limits.pixels,
        Code::unsupported, where, ": pictures resized to ", input.resize_size, " x ",
        input.resize_size, " are over ", limits.pixels, " pixels, the limit");
}

std::vector<std::string> labels_from_json(const std::string& given, const Limits& limits) {
  const Document document{parse_json(given, key_labels, limits)};
  return labels_from(document.json, key_labels);
}

std::vector<std::string> labels_from(const Json& json, const std::string& where) {
  check(json.is_array(), Code::bad_file, where, " should be a JSON list of names, but is ",
        in_quotes(json.is_structured() ? json.type_name() : json.dump()));
  std::vector<std::string> labels;
  for (const Json& label : json) {
    check(label.is_string(), Code::bad_file, where, ": entry ", labels.size(), " is not a name");
    check(label.get_ref<const std::string&>().size() <= longest_label, Code::bad_file, where,
          ": entry ", labels.size(), " has over ", longest_label, " bytes, which is no name");
    labels.push_back(label.get<std::string>());
  }
  return labels;
}

std::string labels_to_json(const std::vector<std::string>& labels) {
  for (size_t i = 0; i < labels.size(); ++i)
    check(is_utf8(labels[i]), Code::invalid_argument, "the name of class ", i,
          " is not valid UTF-8");
  return json_text::list(labels);
}

}  // namespace alx
