// The learning rate over time.
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace alx {

// Written as
//   constant
//   step:EVERY:FACTOR           multiplied by FACTOR after each EVERY epochs
//   steps:E1,E2,...:FACTOR      multiplied by FACTOR at these epochs
//   cosine                      from the rate to zero over the whole run
//   plateau:FACTOR:PATIENCE     multiplied by FACTOR after PATIENCE epochs without progress, as the
//                               paper did by hand
class Schedule {
 public:
  explicit Schedule(const std::string& text);  // throws invalid_argument with the forms
  // `epoch` may be fractional; `epochs` is the whole run.
  double rate(double base, double epoch, double epochs) const;
  const std::string& text() const { return text_; }
  bool is_plateau() const { return kind_ == Kind::plateau; }
  double factor() const { return factor_; }
  int64_t patience() const { return static_cast<int64_t>(epochs_[0]); }

 private:
  enum class Kind { constant, every, at, cosine, plateau } kind_ = Kind::constant;
  std::string text_;
  std::vector<double> epochs_;
  double factor_ = 1;
};

// Where a plateau schedule stands. Progress is a measure at least a ten-thousandth below the best
// so far.
struct Plateau {
  double best = std::numeric_limits<double>::infinity();
  int64_t epochs_without = 0;
  double factor = 1;        // of the rate, by now
  int64_t judged_step = 0;  // the last epoch that was judged ended with it
  double loss_sum = 0;      // over the steps since: the measure where there is no validation set

  void judge(double measure, const Schedule& schedule);
};

}  // namespace alx
