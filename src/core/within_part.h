// Whether this thread runs a part of a loop: loops that it begins there are its own.
#pragma once
#include <utility>

namespace alx {

inline thread_local bool within_part = false;

class WithinPart {
 public:
  WithinPart() : before_(std::exchange(within_part, true)) {}
  ~WithinPart() { within_part = before_; }
  WithinPart(const WithinPart&) = delete;
  WithinPart& operator=(const WithinPart&) = delete;

 private:
  const bool before_;
};

}  // namespace alx
