// The first exception of several threads, for the one that waits for them.
#pragma once
#include <atomic>
#include <exception>
#include <utility>

namespace alx {

class FirstError {
 public:
  // f(); what it throws is kept.
  template <class F>
  void keep(const F& f) noexcept {
    try {
      f();
    } catch (...) {
      if (!failed_.exchange(true)) error_ = std::current_exception();
    }
  }
  // Once no other thread is at work: what was kept, which is then forgotten, or null.
  std::exception_ptr take() {
    failed_ = false;
    return std::exchange(error_, nullptr);
  }

 private:
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

}  // namespace alx
