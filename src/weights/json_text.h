// JSON written by hand: without a tree, whose destruction allocates.
#pragma once
#include <charconv>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/text.h"

namespace alx::json_text {

// A decimal that gives this float back to the bit, by way of a double too, as most readers go; the
// shortest such, so that 0.485f is written 0.485 and not 0.48500001430511475.
inline std::string number(float value) {
  char text[64];
  const auto parsed = [&](const char* end) {
    double result = 0;
    std::from_chars(text, end, result);
    return result;
  };
  const char* end = std::to_chars(text, text + sizeof text, value).ptr;
  double result = parsed(end);
  if (static_cast<float>(result) != value) result = value;
  std::string shortest = nlohmann::json(result).dump();
  if (shortest.ends_with(".0")) shortest.resize(shortest.size() - 2);
  return shortest;
}

inline std::string quoted(const std::string& value) {
  return nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

inline std::string list(const std::vector<float>& values) {
  std::string joined;
  for (float value : values) joined += cat(joined.empty() ? "" : ",", number(value));
  return cat("[", joined, "]");
}

inline std::string list(const std::vector<std::string>& texts) {
  std::string joined;
  for (const std::string& text : texts) joined += cat(joined.empty() ? "" : ",", quoted(text));
  return cat("[", joined, "]");
}

inline const char* flag(bool value) { return value ? "true" : "false"; }

}  // namespace alx::json_text
