// Divisions whose rest counts. Of numbers that are not negative.
#pragma once

namespace alx {

template <class T>
constexpr T divide_up(T count, T by) {
  return (count + by - 1) / by;
}

template <class T>
constexpr T round_up(T count, T to) {
  return divide_up(count, to) * to;
}

}  // namespace alx
