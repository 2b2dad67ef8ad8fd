#include "data/statistics.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <vector>

#include "core/error.h"
#include "core/parallel.h"
#include "core/random.h"
#include "data/prepared.h"
#include "data/resize.h"

namespace alx {
namespace {

using Matrix = std::array<std::array<double, 3>, 3>;

// Exact sums, so that their order does not matter.
struct Sums {
  int64_t pictures = 0, pixels = 0;
  std::array<int64_t, 3> first{};
  std::array<std::array<int64_t, 3>, 3> second{};
  std::vector<int64_t> by_place;  // (3, side, side) of the centre square; empty: not wanted

  void add(const Image& image, int64_t side) {
    ++pictures;
    pixels += image.width * image.height;
    for (size_t i = 0; i + 2 < image.pixels.size(); i += 3)
      for (size_t c = 0; c < 3; ++c) {
        const int64_t v = image.pixels[i + c];
        first[c] += v;
        for (size_t d = c; d < 3; ++d) second[c][d] += v * image.pixels[i + d];
      }
    if (by_place.empty()) return;
    const int64_t left = half_to_even(image.width - side), top = half_to_even(image.height - side);
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t y = 0; y < side; ++y) {
        const uint8_t* row = image.pixels.data() + ((top + y) * image.width + left) * 3 + c;
        for (int64_t x = 0; x < side; ++x)
          by_place[static_cast<size_t>((c * side + y) * side + x)] += row[3 * x];
      }
  }
  void add(const Sums& other) {
    pictures += other.pictures;
    pixels += other.pixels;
    for (size_t c = 0; c < 3; ++c) {
      first[c] += other.first[c];
      for (size_t d = 0; d < 3; ++d) second[c][d] += other.second[c][d];
    }
    for (size_t i = 0; i < by_place.size(); ++i) by_place[i] += other.by_place[i];
  }
};

// One turn of Jacobi's method: makes a[p][q] zero.
void rotate(Matrix& a, Matrix& vectors, size_t p, size_t q) {
  if (a[p][q] == 0) return;
  const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  const double t = (theta < 0 ? -1 : 1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
  const double c = 1 / std::sqrt(t * t + 1), s = t * c;
  for (size_t k = 0; k < 3; ++k) {
    const double kp = a[k][p], kq = a[k][q];
    a[k][p] = c * kp - s * kq;
    a[k][q] = s * kp + c * kq;
  }
  for (size_t k = 0; k < 3; ++k) {
    const double pk = a[p][k], qk = a[q][k];
    a[p][k] = c * pk - s * qk;
    a[q][k] = s * pk + c * qk;
    const double vp = vectors[k][p], vq = vectors[k][q];
    vectors[k][p] = c * vp - s * vq;
    vectors[k][q] = s * vp + c * vq;
  }
}

Matrix covariance_of(const Sums& sums, std::array<double, 3>& mean) {
  const double n = static_cast<double>(sums.pixels);
  for (size_t c = 0; c < 3; ++c) mean[c] = static_cast<double>(sums.first[c]) / n;
  Matrix covariance{};
  for (size_t c = 0; c < 3; ++c)
    for (size_t d = c; d < 3; ++d)
      covariance[c][d] = covariance[d][c] =
          static_cast<double>(sums.second[c][d]) / n - mean[c] * mean[d];
  return covariance;
}

// Of the pictures first..last among `count` that are spread evenly over the data.
Sums sum_up(const Dataset& data, const Preprocessor& preprocess, int64_t side, int64_t count,
            size_t first, size_t last) {
  Sums sums;
  sums.by_place.resize(static_cast<size_t>(3 * side * side));
  for (size_t i = first; i < last; ++i) {
    Image image;
    try {
      image = preprocess.prepare(
          data.image(static_cast<int64_t>(i) * data.size() / count, preprocess.least_side()));
    } catch (const Error& error) {
      if (!is_broken(error.code())) throw;
      continue;  // it is named and counted where it is needed
    }
    sums.add(image, side);
  }
  return sums;
}

}  // namespace

ColourComponents principal_components(const Matrix& covariance) {
  Matrix a = covariance, vectors{{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  for (int sweep = 0; sweep < 30; ++sweep)  // converges quadratically: a handful suffice
    for (const auto& [p, q] : {std::pair<size_t, size_t>{0, 1}, {0, 2}, {1, 2}})
      rotate(a, vectors, p, q);
  std::array<size_t, 3> order{0, 1, 2};
  std::sort(order.begin(), order.end(), [&](size_t i, size_t j) { return a[i][i] > a[j][j]; });
  ColourComponents result;
  for (size_t j = 0; j < 3; ++j) {
    const size_t from = order[j];
    size_t largest = 0;  // its sign is made positive, since either sign is right
    for (size_t c = 1; c < 3; ++c)
      if (std::abs(vectors[c][from]) > std::abs(vectors[largest][from])) largest = c;
    const double sign = vectors[largest][from] < 0 ? -1 : 1;
    result.deviations[j] = std::sqrt(std::max(0.0, a[from][from]));
    for (size_t c = 0; c < 3; ++c) result.components[c][j] = sign * vectors[c][from];
  }
  return result;
}

SetStatistics measure_set(const Dataset& data, const InputSpec& input, bool mean_image, int threads,
                          int64_t at_most) {
  check(!mean_image || (input.resize != InputSpec::Resize::none &&
                        input.resize_size >= std::max(input.width, input.height)),
        Code::invalid_argument,
        "a mean image needs pictures that are resized to a square around the input of ",
        input.width, "x", input.height, ": take the mean colour");
  InputSpec plain = input;
  plain.mean_image.clear();
  const Preprocessor preprocess(plain);
  const int64_t side = mean_image ? input.resize_size : 0;
  const int64_t count = std::min(data.size(), at_most);
  Sums sums;
  sums.by_place.resize(static_cast<size_t>(3 * side * side));
  std::mutex mutex;
  in_parts(static_cast<size_t>(count), std::clamp(threads, 1, 64), [&](size_t first, size_t last) {
    const Sums part = sum_up(data, preprocess, side, count, first, last);
    const std::lock_guard lock(mutex);
    sums.add(part);
  });
  if (sums.pictures == 0) fail_all_broken(data);

  SetStatistics result;
  result.pictures = sums.pictures;
  result.colours = principal_components(covariance_of(sums, result.mean));
  if (!mean_image) return result;
  result.mean_image = {side, std::vector<float>(sums.by_place.size())};
  const int64_t plane = side * side;
  for (int64_t i = 0; i < 3 * plane; ++i) {
    const int64_t channel = input.channel_order == "BGR" ? 2 - i / plane : i / plane;
    const auto sum =
        static_cast<double>(sums.by_place[static_cast<size_t>(channel * plane + i % plane)]);
    result.mean_image.values[static_cast<size_t>(i)] =
        static_cast<float>(sum / static_cast<double>(sums.pictures) / 255 * input.scale);
  }
  return result;
}

std::array<float, 3> draw_colour(const ColourComponents& colours, float noise, uint64_t seed,
                                 int64_t epoch, int64_t position) {
  const Random random(seed, hash_name("colour"), static_cast<uint64_t>(epoch));
  std::array<float, 3> added{};
  for (size_t j = 0; j < 3; ++j) {
    const double draw =
        noise * random.normal(static_cast<uint64_t>(3 * position) + j) * colours.deviations[j];
    for (size_t c = 0; c < 3; ++c) added[c] += static_cast<float>(draw * colours.components[c][j]);
  }
  return added;
}

}  // namespace alx
