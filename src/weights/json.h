// JSON documents of the library.
#pragma once
#include <nlohmann/json.hpp>

namespace alx {

// A document that can be destroyed where memory has run out: the library's own destructor of a filled list or object
// allocates, and would end the program; one that was emptied from the leaves up does not. Make members as
// Json::object() first: operator[] on null leaves a half-made object behind where memory runs out.
struct Document {
  using Json = nlohmann::json;
  Json json;

  ~Document() { empty(json, 0); }

  static void empty(Json& value, int depth) {
    constexpr int deepest = 16;  // deeper nests are hostile, and must not use up the stack
    if (!value.is_structured() || depth > deepest) return;
    for (Json& child : value) empty(child, depth + 1);
    value.clear();
  }
};

}  // namespace alx
