// Numbers that are none.
#pragma once
#include <atomic>
#include <cstddef>
#include <span>

namespace alx {

// The place of the first value that is infinite or not-a-number; `count` where there is none. As
// fast as memory is read.
size_t first_not_finite(const float* values, size_t count);

// Copies values and looks for the first that is no finite number while each is in the processor's
// cache: a pass of its own would read the memory again.
class FiniteCopy {
 public:
  explicit FiniteCopy(std::span<const float> values) : values_(values), wrong_(values.size()) {}

  // These of them to `to`, up to about the first that is wrong. From several threads.
  void copy(size_t first, size_t count, float* to);
  // Of all that were copied: the first that is wrong, or how many values there are.
  size_t wrong() const { return wrong_; }

 private:
  const std::span<const float> values_;
  std::atomic<size_t> wrong_;
};

}  // namespace alx
