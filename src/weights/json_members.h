// The members of one object in a file's JSON.
#pragma once
#include <initializer_list>
#include <string>
#include <vector>

#include "graph/spec.h"
#include "weights/json.h"

namespace alx {

// Each member is taken by its key, and what is left over is refused: something unknown that was
// skipped would give wrong answers in silence. Every fault is told as `where`: key "prefix + key".
class Members {
 public:
  using Json = nlohmann::json;
  Members(const Json& object, std::string where, std::string prefix = "");

  const Json* take(const std::string& key);  // null where there is none
  const Json& need(const std::string& key, const std::string& expected = "");
  // A whole number; the last one asks for it only where it is there.
  int64_t whole(const std::string& key, int64_t least, int64_t most);
  int64_t whole(const std::string& key, int64_t least, int64_t most, int64_t otherwise);
  int64_t to_whole(const std::string& key, const Json& value, int64_t least, int64_t most) const;
  float to_number(const std::string& key, const Json& value, bool positive) const;
  bool flag(const std::string& key, bool otherwise);
  // Not empty, and of so many bytes at most.
  std::string text(const std::string& key, size_t longest = std::string::npos);
  std::string to_text(const std::string& key, const Json& value, size_t longest) const;
  // One of `choices`; the first where the key is absent.
  template <class Choices = std::initializer_list<const char*>>
  std::string choice(const std::string& key, const Choices& choices) {
    const Json* value = take(key);
    if (!value) return *choices.begin();
    std::string listed;
    for (const char* one : choices) {
      if (value->is_string() && value->get_ref<const std::string&>() == one) return one;
      listed += (listed.empty() ? "" : " or ") + std::string(one);
    }
    refuse(key, listed, *value);
  }
  void finish() const;

  [[noreturn]] void refuse(const std::string& key, const std::string& expected,
                           const Json& found) const;
  [[noreturn]] void refuse_missing(const std::string& key, const std::string& expected) const;

 private:
  const Json& object_;
  const std::string where_, prefix_;
  std::vector<std::string> asked_;
};

// What weight files have as documents of their own, inside a spec too.
InputSpec input_from(const nlohmann::json& json, const std::string& where, const Limits& limits);
std::vector<std::string> labels_from(const nlohmann::json& json, const std::string& where);

}  // namespace alx
