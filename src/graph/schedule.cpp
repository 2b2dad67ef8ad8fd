#include "graph/schedule.h"

#include <cmath>
#include <numbers>

#include "core/error.h"
#include "core/number.h"
#include "core/text.h"

namespace alx {
namespace {

double number(const std::string& text, const std::string& whole) {
  const std::optional<double> value = parse_number<double>(text);
  check(value && std::isfinite(*value) && *value > 0, Code::invalid_argument, "schedule '", whole,
        "': '", text, "' is no number above zero");
  return *value;
}

}  // namespace

Schedule::Schedule(const std::string& text) : text_(text) {
  const std::vector<std::string> parts = split(text, ':');
  if (text == "constant") return;
  if (text == "cosine") {
    kind_ = Kind::cosine;
    return;
  }
  check(parts.size() == 3 && (parts[0] == "step" || parts[0] == "steps" || parts[0] == "plateau"),
        Code::invalid_argument, "schedule '", text,
        "' is not known; write constant, cosine, step:EVERY:FACTOR (step:30:0.1), "
        "steps:E1,E2,...:FACTOR "
        "(steps:25,51,79:0.1) or plateau:FACTOR:PATIENCE (plateau:0.1:5)");
  if (parts[0] == "plateau") {
    kind_ = Kind::plateau;
    factor_ = number(parts[1], text);
    epochs_ = {number(parts[2], text)};
    check(factor_ < 1 && epochs_[0] >= 1 && epochs_[0] == std::floor(epochs_[0]),
          Code::invalid_argument, "schedule '", text,
          "': the factor must lie below 1, the patience be a whole number of epochs");
    return;
  }
  kind_ = parts[0] == "step" ? Kind::every : Kind::at;
  for (const std::string& part : split(parts[1], ',')) epochs_.push_back(number(part, text));
  factor_ = number(parts[2], text);
  check(kind_ == Kind::at || epochs_.size() == 1, Code::invalid_argument, "schedule '", text,
        "': step takes one number of epochs; use steps for several");
}

double Schedule::rate(double base, double epoch, double epochs) const {
  switch (kind_) {
    case Kind::constant:
    case Kind::plateau: return base;
    case Kind::every: return base * std::pow(factor_, std::floor(epoch / epochs_[0]));
    case Kind::at: {
      for (double at : epochs_)
        if (epoch >= at) base *= factor_;
      return base;
    }
    case Kind::cosine:
      return base * 0.5 * (1 + std::cos(std::numbers::pi * std::min(epoch / epochs, 1.0)));
  }
  return base;
}

void Plateau::judge(double measure, const Schedule& schedule) {
  constexpr double least_progress = 1e-4;
  if (measure < best * (1 - least_progress)) {
    best = measure;
    epochs_without = 0;
  } else if (++epochs_without >= schedule.patience()) {
    factor *= schedule.factor();
    epochs_without = 0;
  }
}

}  // namespace alx
