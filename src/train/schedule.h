// The learning rate over time.
#pragma once
#include <string>
#include <vector>

namespace alx {

// Written as
//   constant
//   step:EVERY:FACTOR           multiplied by FACTOR after each EVERY epochs
//   steps:E1,E2,...:FACTOR      multiplied by FACTOR at these epochs
//   cosine                      from the rate to zero over the whole run
class Schedule {
 public:
  explicit Schedule(const std::string& text);  // throws invalid_argument with the forms
  // `epoch` may be fractional; `epochs` is the whole run.
  double rate(double base, double epoch, double epochs) const;
  const std::string& text() const { return text_; }

 private:
  enum class Kind { constant, every, at, cosine } kind_ = Kind::constant;
  std::string text_;
  std::vector<double> epochs_;
  double factor_ = 1;
};

}  // namespace alx
