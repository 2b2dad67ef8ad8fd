// Errors inside the library: one exception type, which carries the status that the C ABI returns.
#pragma once
#include <cstdint>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

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

// Joins its arguments as operator<< prints them. Without exceptions() a stream would swallow that memory ran out and
// give half a text.
template <class... Args>
std::string cat(Args&&... args) {
  std::ostringstream out;
  out.exceptions(std::ios::badbit);
  (out << ... << std::forward<Args>(args));
  return std::move(out).str();
}

// Say where, what was expected, what came, and what to do.
template <class... Args>
[[noreturn]] void fail(Code code, Args&&... args) {
  throw Error(code, cat(std::forward<Args>(args)...));
}

template <class... Args>
void check(bool ok, Code code, Args&&... args) {
  if (!ok) fail(code, std::forward<Args>(args)...);
}

}  // namespace alx
