// Where an axis begins and ends, and its ticks at round numbers.
#pragma once
#include <string>
#include <vector>

namespace alx {

struct Axis {
  double low = 0, high = 1, step = 0.2;

  double unit(double value) const { return (value - low) / (high - low); }
  std::vector<double> ticks() const;
  std::string text(double tick) const;  // as many decimals as the step needs
};

// Steps are 1, 2 or 5 times a power of ten, at most `most` over the axis; `whole`: at least 1. The
// ends are the data's.
Axis exact_axis(double low, double high, int most, bool whole);

// Opened to the ticks around the data, and down to zero where that costs less than half of the
// axis.
Axis round_axis(double low, double high, int most);

}  // namespace alx
