// JSON documents of the library.
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "core/limits.h"

namespace alx {

// A document that can be destroyed where memory has run out: the library's own destructor of a
// filled list or object allocates, and would end the program; one that was emptied from the leaves
// up does not. Make members as Json::object() first: operator[] on null leaves a half-made object
// behind where memory runs out.
struct Document {
  using Json = nlohmann::json;
  // deeper nests must not use up the stack; parse_json() lets none in
  static constexpr int deepest = 64;
  Json json;

  ~Document() { empty(json, 0); }

  static void empty(Json& value, int depth) {
    if (!value.is_structured() || depth > deepest) return;
    for (Json& child : value) empty(child, depth + 1);
    value.clear();
  }
};

// All JSON that comes from files is read here. Throws with `what` in front: bad_file where the text
// is no JSON, unsupported where its lists and objects hold more entries, or lie deeper in each
// other, than the limits let them; a tree takes many times the memory of its text, and is not begun
// then.
nlohmann::json parse_json(std::string_view text, const std::string& what,
                          const Limits& limits = {});

// The same for what people write: a fault is told with line and column, and a key that an object
// has twice is refused.
nlohmann::json parse_json_strictly(std::string_view text, const std::string& what,
                                   const Limits& limits = {});

}  // namespace alx
