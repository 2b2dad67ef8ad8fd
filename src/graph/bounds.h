// Which numbers a training run takes, in one table: spec files, a trainer, the setters of the C ABI
// and the program's options with their help read it.
#pragma once
#include <cstdint>
#include <string>
#include <type_traits>

#include "core/error.h"
#include "core/number.h"

namespace alx {

template <class Number>
struct Bound {
  const char* name;  // in what a trainer says
  Number least, most;
  bool above = false, below = false;  // above the least, below the most: these themselves are out

  bool holds(Number value) const {
    if constexpr (std::is_floating_point_v<Number>)
      // Kept as a float by most: rounding to one must not take it out.
      return inside(value) && inside(static_cast<float>(value));
    else
      return inside(value);
  }
  std::string range() const {  // "0..1, below 1"
    std::string text = number(least) + ".." + number(most);
    if (above) text += ", above " + number(least);
    if (below) text += ", below " + number(most);
    return text;
  }

 private:
  bool inside(Number value) const {
    return (above ? value > least : value >= least) && (below ? value < most : value <= most);
  }
  static std::string number(Number value) {
    if constexpr (std::is_floating_point_v<Number>)
      return general(value, 15);
    else
      return cat(value);
  }
};

// `what` it is called where another name than the table's is known.
template <class Number>
void check_bound(const Bound<Number>& bound, std::type_identity_t<Number> value,
                 const char* what = nullptr) {
  check(bound.holds(value), Code::invalid_argument, what ? what : bound.name, " must lie in ",
        bound.range(), ", got ", value);
}

namespace bounds {
using Whole = Bound<int64_t>;
using Real = Bound<double>;
inline constexpr Whole epochs{"epochs", 1, 1'000'000'000};
inline constexpr Whole batch{"the batch", 1, 1'000'000};  // and at most the pictures of the data
inline constexpr Whole side{"the side of the input", 1, 16384};
inline constexpr Whole pad{"the border", 0, 1024};
inline constexpr Whole threads{"threads", 0, 4096};
inline constexpr Whole data_threads{"data threads", 0, 256};
inline constexpr Whole checkpoint_steps{"steps between checkpoints", 1, 1'000'000'000'000};
inline constexpr Real rate{"the learning rate", 0, 1000, true, false};
inline constexpr Real momentum{"momentum", 0, 1, false, true};
inline constexpr Real decay{"weight decay", 0, 1000};
inline constexpr Real colour_noise{"the deviation of colour noise", 0, 10};
inline constexpr Real label_smoothing{"label smoothing", 0, 1, false, true};
// Half of the pictures at most: what measures must not outweigh what is learned from.
inline constexpr Real validation_share{"the share of the pictures to measure by", 0, 0.5, true};
inline constexpr Real layer_rate{"the factor of a layer's rate", 0, 1e6};
inline constexpr Real checkpoint_minutes{"minutes between checkpoints", 0.001, 1e6};
}  // namespace bounds

}  // namespace alx
