#include "weights/json_members.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/text.h"
#include "weights/bytes.h"

namespace alx {

Members::Members(const Json& object, std::string where, std::string prefix)
    : object_(object), where_(std::move(where)), prefix_(std::move(prefix)) {
  if (!object.is_object()) refuse("", "an object", object);
}

void Members::refuse(const std::string& key, const std::string& expected, const Json& found) const {
  // Objects and lists are not printed, and of a long text only its start.
  const std::string value = found.is_structured() ? ""
                            : found.is_string()
                                ? " " + in_quotes(found.get_ref<const std::string&>())
                                : " " + found.dump();
  const std::string whole = prefix_ + key;
  fail(Code::bad_file, where_, whole.empty() ? "" : cat(": key ", in_quotes(whole)), " should be ",
       expected, ", but is ", found.type_name(), value);
}

const Members::Json* Members::take(const std::string& key) {
  if (std::ranges::find(asked_, key) == asked_.end()) asked_.push_back(key);
  const auto found = object_.find(key);
  return found == object_.end() ? nullptr : &*found;
}

// The keys that are there are told too: one that was mistyped is among them.
void Members::refuse_missing(const std::string& key, const std::string& expected) const {
  constexpr size_t longest = 300;
  std::string there;
  for (const auto& item : object_.items()) {
    there += cat(there.empty() ? "" : ", ", in_quotes(item.key()));
    if (there.size() > longest) break;
  }
  fail(Code::bad_file, where_, ": key ", in_quotes(prefix_ + key), " is missing",
       expected.empty() ? "" : ": " + expected, there.empty() ? "" : "; there are: " + there);
}

const Members::Json& Members::need(const std::string& key, const std::string& expected) {
  const Json* found = take(key);
  if (!found) refuse_missing(key, expected);
  return *found;
}

namespace {
std::string whole_number(int64_t least, int64_t most) {
  return cat("a whole number from ", least, " to ", most);
}
}  // namespace

int64_t Members::to_whole(const std::string& key, const Json& value, int64_t least,
                          int64_t most) const {
  const bool fits = value.is_number_unsigned()
                        ? value.get<uint64_t>() <= static_cast<uint64_t>(most)
                        : value.is_number_integer();
  if (!fits || value.get<int64_t>() < least || value.get<int64_t>() > most)
    refuse(key, whole_number(least, most), value);
  return value.get<int64_t>();
}

int64_t Members::whole(const std::string& key, int64_t least, int64_t most) {
  return to_whole(key, need(key, whole_number(least, most)), least, most);
}

int64_t Members::whole(const std::string& key, int64_t least, int64_t most, int64_t otherwise) {
  const Json* value = take(key);
  return value ? to_whole(key, *value, least, most) : otherwise;
}

float Members::to_number(const std::string& key, const Json& value, bool positive) const {
  const float number = value.is_number() ? value.get<float>() : NAN;
  if (!std::isfinite(number) || (positive && number <= 0))
    refuse(key, positive ? "a number over 0" : "a number", value);
  return number;
}

bool Members::flag(const std::string& key, bool otherwise) {
  const Json* value = take(key);
  if (value && !value->is_boolean()) refuse(key, "true or false", *value);
  return value ? value->get<bool>() : otherwise;
}

std::string Members::text(const std::string& key, size_t longest) {
  return to_text(key, need(key, "a text"), longest);
}

std::string Members::to_text(const std::string& key, const Json& value, size_t longest) const {
  if (!value.is_string() || value.get_ref<const std::string&>().empty())
    refuse(key, "a text that is not empty", value);
  if (value.get_ref<const std::string&>().size() > longest)
    refuse(key, cat("a text of at most ", longest, " bytes"), value);
  return value.get<std::string>();
}

void Members::finish() const {
  for (const auto& [key, value] : object_.items())
    check(std::ranges::find(asked_, key) != asked_.end(), Code::bad_file, where_, ": key ",
          in_quotes(prefix_ + key), " is not known to this version; there are: ", joined(asked_));
}

}  // namespace alx
