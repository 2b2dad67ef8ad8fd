// The JSON of `alexnet.input` and `alexnet.labels`.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "weights/bytes.h"
#include "weights/format.h"
#include "weights/json.h"
#include "weights/weights.h"

namespace alx {
namespace {

using Json = nlohmann::json;
constexpr int64_t max_side = 65536;
constexpr size_t longest_label = 4096;  // bytes; labels stand in messages

// The shortest decimal that gives this float back, so that 0.485f is written 0.485 and not
// 0.48500001430511475.
double shortest(float value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  double result = 0;
  std::from_chars(text, end, result);
  return result;
}

std::string number(float value) { return Json(shortest(value)).dump(); }
std::string text(const std::string& value) {
  return Json(value).dump(-1, ' ', false, Json::error_handler_t::replace);
}
std::string list(const std::vector<float>& values) {
  std::string joined;
  for (float value : values) joined += cat(joined.empty() ? "" : ",", number(value));
  return cat("[", joined, "]");
}

[[noreturn]] void refuse(const std::string& key, const std::string& expected, const Json& found) {
  // Objects and lists are not printed, and of a long text only its start.
  const std::string value = found.is_structured() ? ""
                            : found.is_string()
                                ? " " + in_quotes(found.get_ref<const std::string&>())
                                : " " + found.dump();
  fail(Code::bad_file, key_input, ": key ", in_quotes(key), " should be ", expected, ", but is ",
       found.type_name(), value);
}

// The members of one object; each is taken once, and what is left over is refused: an unknown step
// of preprocessing that was skipped would give wrong answers in silence.
class Members {
 public:
  Members(const Json& object, std::string prefix) : object_(object), prefix_(std::move(prefix)) {
    if (!object.is_object()) refuse(prefix_, "an object", object);
  }

  const Json* take(const std::string& key) {
    const auto found = object_.find(key);
    if (found == object_.end()) return nullptr;
    taken_.push_back(key);
    return &*found;
  }
  const Json& need(const std::string& key) {
    const Json* found = take(key);
    check(found != nullptr, Code::bad_file, key_input, ": key ", in_quotes(prefix_ + key),
          " is missing");
    return *found;
  }
  int64_t side(const std::string& key) {
    const Json& value = need(key);
    if (!value.is_number_unsigned() || value.get<uint64_t>() < 1 ||
        value.get<uint64_t>() > max_side)
      refuse(prefix_ + key, cat("a whole number from 1 to ", max_side), value);
    return value.get<int64_t>();
  }
  // One of `choices`; the first where the key is absent.
  std::string choice(const std::string& key, std::initializer_list<const char*> choices) {
    const Json* value = take(key);
    if (!value) return *choices.begin();
    std::string listed;
    for (const char* one : choices) {
      if (value->is_string() && value->get_ref<const std::string&>() == one) return one;
      listed += cat(listed.empty() ? "" : " or ", one);
    }
    refuse(prefix_ + key, listed, *value);
  }
  void finish() const {
    for (const auto& [key, value] : object_.items())
      check(std::find(taken_.begin(), taken_.end(), key) != taken_.end(), Code::bad_file, key_input,
            ": key ", in_quotes(prefix_ + key), " is not known to this version");
  }

 private:
  const Json& object_;
  std::string prefix_;
  std::vector<std::string> taken_;
};

float to_number(const std::string& key, const Json& value, bool positive) {
  const float number = value.is_number() ? value.get<float>() : NAN;
  if (!std::isfinite(number) || (positive && number <= 0))
    refuse(key, positive ? "a number over 0" : "a number", value);
  return number;
}

std::vector<float> to_triple(const std::string& key, const Json& value, bool positive) {
  if (!value.is_array() || value.size() != 3)
    refuse(key, "three numbers, one for each channel", value);
  std::vector<float> result;
  for (const Json& number : value) result.push_back(to_number(key, number, positive));
  return result;
}

void read_resize(const Json& json, InputSpec& input) {
  Members resize(json, "resize.");
  resize.need("mode");
  const std::string mode = resize.choice("mode", {"short_side", "squash", "none"});
  using Resize = InputSpec::Resize;
  input.resize = mode == "squash" ? Resize::squash
                 : mode == "none" ? Resize::none
                                  : Resize::short_side;
  if (input.resize != Resize::none) {
    input.resize_size = resize.side("size");
  } else {
    resize.take("size");
  }
  resize.choice("interpolation", {"bilinear"});
  if (const Json* antialias = resize.take("antialias")) {
    if (!antialias->is_boolean()) refuse("resize.antialias", "true or false", *antialias);
    input.antialias = antialias->get<bool>();
  }
  resize.finish();
}

}  // namespace

std::string to_json(const InputSpec& input) {
  using Resize = InputSpec::Resize;
  const std::string mode = input.resize == Resize::squash ? "squash"
                           : input.resize == Resize::none ? "none"
                                                          : "short_side";
  const std::string size =
      input.resize == Resize::none ? "" : cat(R"("size":)", input.resize_size, ",");
  const std::string mean = input.mean_image.empty() ? R"("mean":)" + list(input.mean)
                                                    : R"("mean_image":)" + text(input.mean_image);
  return cat(R"({"height":)", input.height, R"(,"width":)", input.width, R"(,"channel_order":)",
             text(input.channel_order), R"(,"scale":)", number(input.scale), ",", mean,
             R"(,"std":)", list(input.std), R"(,"resize":{"mode":)", text(mode), ",", size,
             R"("interpolation":"bilinear","antialias":)", input.antialias ? "true" : "false",
             R"(},"crop":"center"})");
}

InputSpec input_from_json(const std::string& given, const Limits& limits) {
  const Document document{parse_json(given, key_input, limits)};
  Members members(document.json, "");
  InputSpec input;
  input.height = members.side("height");
  input.width = members.side("width");
  input.channel_order = members.choice("channel_order", {"RGB", "BGR"});
  input.scale = to_number("scale", members.need("scale"), true);
  if (const Json* name = members.take("mean_image")) {
    if (!name->is_string() || name->get_ref<const std::string&>().empty())
      refuse("mean_image", "a tensor's name", *name);
    input.mean_image = name->get<std::string>();
    members.take("mean");
  } else {
    input.mean = to_triple("mean", members.need("mean"), false);
  }
  if (const Json* deviation = members.take("std")) input.std = to_triple("std", *deviation, true);
  read_resize(members.need("resize"), input);
  members.choice("crop", {"center"});
  members.finish();
  // A few bytes could else ask for pictures of gigabytes.
  check(input.height * input.width <= limits.pixels, Code::unsupported, key_input, ": an input of ",
        input.width, " x ", input.height, " is over ", limits.pixels, " pixels, the limit");
  check(input.resize_size * input.resize_size <= limits.pixels, Code::unsupported, key_input,
        ": pictures resized to ", input.resize_size, " x ", input.resize_size, " are over ",
        limits.pixels, " pixels, the limit");
  return input;
}

std::vector<std::string> labels_from_json(const std::string& given, const Limits& limits) {
  const Document document{parse_json(given, key_labels, limits)};
  const Json& json = document.json;
  check(json.is_array(), Code::bad_file, key_labels, " should be a JSON list of names, but is ",
        in_quotes(given));
  std::vector<std::string> labels;
  for (const Json& label : json) {
    check(label.is_string(), Code::bad_file, key_labels, ": entry ", labels.size(),
          " is not a name");
    check(label.get_ref<const std::string&>().size() <= longest_label, Code::bad_file, key_labels,
          ": entry ", labels.size(), " has over ", longest_label, " bytes, which is no name");
    labels.push_back(label.get<std::string>());
  }
  return labels;
}

std::string labels_to_json(const std::vector<std::string>& labels) {
  for (size_t i = 0; i < labels.size(); ++i)
    check(is_utf8(labels[i]), Code::invalid_argument, "the name of class ", i,
          " is not valid UTF-8");
  const Document document{Json(labels)};
  return document.json.dump();
}

}  // namespace alx
