#include "weights/json.h"

#include <algorithm>
#include <functional>
#include <set>
#include <vector>

#include "core/error.h"
#include "weights/bytes.h"

namespace alx {
namespace {

// Counts as the parser will, up to where the text stops being JSON, and without its memory.
void check_extent(std::string_view text, const std::string& what, const Limits& limits) {
  const int64_t deepest = std::min<int64_t>(limits.depth, Document::deepest);
  int64_t entries = 0, depth = 0;
  bool quoted = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == ',' || c == '[' || c == '{') {
      check(++entries <= limits.items, Code::unsupported, what, " has over ", limits.items,
            " entries, the limit of items");
      if (c == ',') continue;
      check(++depth <= deepest, Code::unsupported, what, " has lists or objects over ", deepest,
            " deep inside each other, the limit of depth");
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

// Sees every key as the parser meets it, and the names of the objects around it.
class KeysOnce {
 public:
  explicit KeysOnce(const std::string& what) : what_(what) {}

  bool operator()(int, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    using Event = nlohmann::json::parse_event_t;
    if (event == Event::object_start) open_.emplace_back();
    if (event == Event::object_end) open_.pop_back();
    if (event == Event::key) {
      Object& object = open_.back();
      object.last = parsed.get_ref<const std::string&>();
      check(object.keys.insert(object.last).second, Code::bad_file, what_, where(), ": key ",
            in_quotes(object.last), " stands twice in one object");
    }
    if (event == Event::value && !open_.empty() && open_.back().last == "name" &&
        parsed.is_string())
      open_.back().name = parsed.get_ref<const std::string&>();
    return true;
  }

 private:
  struct Object {
    std::set<std::string> keys;
    std::string last, name;  // the key before, and what "name" says
  };

  std::string where() const {  // by the innermost name
    for (size_t i = open_.size(); i-- > 0;)
      if (!open_[i].name.empty()) return ": in " + in_quotes(open_[i].name);
    return "";
  }

  const std::string& what_;
  std::vector<Object> open_;
};

}  // namespace

nlohmann::json parse_json(std::string_view text, const std::string& what, const Limits& limits) {
  check_extent(text, what, limits);
  nlohmann::json parsed = nlohmann::json::parse(text, nullptr, false);
  check(!parsed.is_discarded(), Code::bad_file, what, " is not valid JSON: ", in_quotes(text));
  return parsed;
}

nlohmann::json parse_json_strictly(std::string_view text, const std::string& what,
                                   const Limits& limits) {
  check_extent(text, what, limits);
  KeysOnce keys(what);
  try {
    return nlohmann::json::parse(text, std::ref(keys));
  } catch (const nlohmann::json::exception& error) {
    // "[json.exception...] parse error at line 3, ...; last read: 'all of a text'"
    constexpr size_t longest = 200;
    std::string_view told = error.what();
    told.remove_prefix(told.find("] ") + 2);
    fail(Code::bad_file, what,
         " is not valid JSON: ", told.substr(0, std::min(told.find("; last read"), longest)));
  }
}

}  // namespace alx
