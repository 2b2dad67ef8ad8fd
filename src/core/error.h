// Errors inside the library: one exception type, which carries the status that the C ABI returns.
#pragma once
#include <charconv>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

namespace alx {

// Values are those of alexnet_status in include/alexnet/alexnet.h.
enum class Code : int32_t {
  ok = 0,
  invalid_argument = 1,  // the caller's value cannot be used
  not_found = 2,         // a file, model, layer or device of that name does not exist
  io = 3,                // reading or writing failed
  bad_file = 4,          // a file's content is damaged or of another kind
  unsupported = 5,       // valid, but this build or machine cannot do it
  invalid_state = 6,     // not now: the object is in another state
  out_of_memory = 7,
  device = 8,  // a device failed or cannot be used
  cancelled = 9,
  internal = 10,  // a defect of the library
};

class Error : public std::runtime_error {
 public:
  Error(Code code, const std::string& text) : std::runtime_error(text), code_(code) {}
  Code code() const { return code_; }

 private:
  Code code_;
};

// One value as cat() writes it. Never by a stream or printf: their digits would follow the host
// program's locale.
inline void append_text(std::string& text, std::string_view value) { text += value; }
inline void append_text(std::string& text, char value) { text += value; }
template <class Number>
requires std::is_arithmetic_v<Number>
void append_text(std::string& text, Number value) {
  char digits[32];
  std::to_chars_result end{};
  if constexpr (std::is_floating_point_v<Number>)
    end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::general, 6);
  else
    end = std::to_chars(digits, digits + sizeof digits, +value);
  text.append(digits, end.ptr);
}

// Its arguments, one after the other: texts, whole numbers, and others with six digits.
template <class... Args>
std::string cat(const Args&... args) {
  std::string text;
  (append_text(text, args), ...);
  return text;
}

// Say where, what was expected, what came, and what to do.
template <class... Args>
[[noreturn]] void fail(Code code, const Args&... args) {
  throw Error(code, cat(args...));
}

template <class... Args>
void check(bool ok, Code code, const Args&... args) {
  if (!ok) fail(code, args...);
}

}  // namespace alx
