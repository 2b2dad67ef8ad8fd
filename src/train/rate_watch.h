// Whether the first steps show that the learning rate is too high.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>

namespace alx {

// The loss runs away where it is, three steps in a row, over four times its first value; a first
// value below 1, or below that of an answer that knows nothing, counts as that.
class RateWatch {
 public:
  static constexpr int64_t steps = 50;  // that are looked at

  explicit RateWatch(int64_t classes)
      : least_(std::max(1.0, std::log(static_cast<double>(classes)))) {}

  // With the loss of this step, counted from 1. True once: in the step that shows it.
  bool runs_away(int64_t step, double loss) {
    if (step > steps || told_) return false;
    if (first_ == 0) first_ = loss;
    in_a_row_ = loss > 4 * std::max(first_, least_) ? in_a_row_ + 1 : 0;
    told_ = in_a_row_ == 3;
    return told_;
  }
  double first() const { return first_; }  // loss

 private:
  double least_, first_ = 0;
  int in_a_row_ = 0;
  bool told_ = false;
};

}  // namespace alx
