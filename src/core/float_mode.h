// The floating-point mode that this library computes in, whatever the host program has set.
#pragma once
#include <cfenv>

namespace alx {

// While it lives: round to nearest, subnormal numbers as they are, no traps. Then the thread has
// its own mode and flags again.
class FloatMode {
 public:
  FloatMode() {
    std::fegetenv(&before_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~FloatMode() { std::fesetenv(&before_); }
  FloatMode(const FloatMode&) = delete;
  FloatMode& operator=(const FloatMode&) = delete;

 private:
  std::fenv_t before_;
};

}  // namespace alx
