#include "backends/onednn/winograd_weights.h"

#include <algorithm>
#include <vector>

namespace alx::onednn {

template <class Visit>
void BlockWeights::each(Visit visit) const {
  for (int64_t unit = 0; unit < groups * out; ++unit)
    for (int64_t channel = 0; channel < in; ++channel)
      for (int64_t y = 0; y < kernel; ++y)
        for (int64_t x = 0; x < kernel; ++x) {
          const int64_t in_block = (y % stride * stride + x % stride) * in + channel;
          const int64_t place = (y / stride * reach + x / stride) * groups + unit / out;
          visit(((unit * in + channel) * kernel + y) * kernel + x,
                (place * deep() + in_block) * out + unit % out);
        }
}

void BlockWeights::from_dense(const float* dense, float* weights) const {
  std::fill_n(weights, floats(), 0.f);
  each([&](int64_t from, int64_t to) { weights[to] = dense[from]; });
}

void BlockWeights::to_dense(const float* weights, float* dense) const {
  each([&](int64_t to, int64_t from) { dense[to] = weights[from]; });
}

void BlockWeights::clear_overhang(float* weights) const {
  for (int64_t y = 0; y < reach * stride; ++y)
    for (int64_t x = 0; x < reach * stride; ++x) {
      if (y < kernel && x < kernel) continue;
      float* place = weights + (y / stride * reach + x / stride) * pixel();
      for (int64_t group = 0; group < groups; ++group)
        std::fill_n(place + (group * deep() + (y % stride * stride + x % stride) * in) * out,
                    in * out, 0.f);
    }
}

void BlockWeights::transpose(const float* weights, int64_t padded, float* turned, int64_t from,
                             int64_t to) const {
  constexpr int64_t side = 16;  // of a square that stays in the cache
  weights += from * deep() * out;
  turned += to * out * padded;
  for (int64_t i = 0; i < padded; i += side)
    for (int64_t o = 0; o < out; o += side)
      for (int64_t unit = o; unit < std::min(o + side, out); ++unit)
        for (int64_t channel = i; channel < std::min(i + side, padded); ++channel)
          turned[unit * padded + channel] = channel < deep() ? weights[channel * out + unit] : 0.f;
}

void weights_to_points(const WeightPoints& to, int64_t reach, bool turned, const float* weights,
                       float* points, int64_t first, int64_t last) {
  const int64_t pixel = to.groups * to.deep * to.columns, sign = turned ? -1 : 1;
  const float* start = weights + (turned ? (reach * reach - 1) * pixel : 0);
  const auto side = static_cast<int>(reach);
  const vectors::Window window{sign * reach * pixel, sign * pixel, 0, side, 0, side};
  for (int64_t row = first; row < last; ++row) {
    float* made = points + row / to.deep * to.group() + row % to.deep * to.panel();
    for (int64_t column = 0; column < to.columns; column += to.panel())
      to.tiles->weight(start + row * to.columns + column, window, made + column * to.deep,
                       to.matrix(), std::min(to.panel(), to.columns - column));
  }
}

bool BlockLayout::equals(const Layout& other) const {
  const auto* same_kind = dynamic_cast<const BlockLayout*>(&other);
  return same_kind && same_kind->weights_ == weights_;
}

void BlockLayout::pack(const float* rows, int64_t, int64_t, float* packed,
                       const ParallelLoop&) const {
  weights_.from_dense(rows, packed);
}

void BlockLayout::unpack(const float* packed, float* dense) const {
  weights_.to_dense(packed, dense);
}

bool PointsLayout::equals(const Layout& other) const {
  const auto* same_kind = dynamic_cast<const PointsLayout*>(&other);
  return same_kind && same_kind->weights_ == weights_ && same_kind->points_ == points_;
}

void PointsLayout::pack(const float* rows, int64_t, int64_t, float* packed,
                        const ParallelLoop& loop) const {
  std::vector<float> blocks(static_cast<size_t>(weights_.floats()));
  weights_.from_dense(rows, blocks.data());
  loop(weights_.groups * weights_.deep(), [&](int64_t row) {
    weights_to_points(points_, weights_.reach, false, blocks.data(), packed, row, row + 1);
  });
}

}  // namespace alx::onednn
