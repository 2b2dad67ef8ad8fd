#include "data/resize.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/error.h"
#include "data/container.h"

namespace alx {
namespace {

// Weights are fixed-point numbers with 22 fraction bits, each pass rounds to bytes: Pillow's
// arithmetic, bit for bit.
constexpr int fraction_bits = 22;
constexpr int32_t half = 1 << (fraction_bits - 1);

// For each output: which inputs it reads, and their weights, `stride` places for each.
struct Taps {
  std::vector<int64_t> first, count;
  std::vector<int32_t> weights;
  int64_t stride = 0;

  const int32_t* of(int64_t i) const { return weights.data() + i * stride; }
  int64_t begin() const { return first.front(); }
  int64_t end() const { return first.back() + count.back(); }
};

// A triangle around each output's centre, as wide as the shrink factor where it antialiases,
// normalised to sum 1.
Taps triangle_taps(int64_t inputs, const Extent& outputs, bool antialias) {
  const double scale = static_cast<double>(inputs) / static_cast<double>(outputs.whole);
  const double width = antialias ? std::max(scale, 1.0) : 1.0;
  Taps taps;
  taps.stride = static_cast<int64_t>(std::ceil(width)) * 2 + 1;
  taps.weights.resize(static_cast<size_t>(taps.stride * outputs.count));
  std::vector<double> weights(static_cast<size_t>(taps.stride));
  const double narrow = 1.0 / width;
  for (int64_t i = 0; i < outputs.count; ++i) {
    const double center = (static_cast<double>(outputs.begin + i) + 0.5) * scale;
    const int64_t first = std::max<int64_t>(static_cast<int64_t>(center - width + 0.5), 0);
    const int64_t count = std::min(static_cast<int64_t>(center + width + 0.5), inputs) - first;
    double sum = 0;
    for (int64_t t = 0; t < count; ++t) {
      const double distance = std::abs((static_cast<double>(first + t) - center + 0.5) * narrow);
      sum += weights[static_cast<size_t>(t)] = std::max(1.0 - distance, 0.0);
    }
    int32_t* fixed = taps.weights.data() + i * taps.stride;
    for (int64_t t = 0; t < count; ++t) {
      fixed[t] =
          static_cast<int32_t>(0.5 + weights[static_cast<size_t>(t)] / sum * (1 << fraction_bits));
    }
    taps.first.push_back(first);
    taps.count.push_back(count);
  }
  return taps;
}

uint8_t to_byte(int32_t sum) { return static_cast<uint8_t>(std::min(sum >> fraction_bits, 255)); }

// Rows [begin, end) of `image`, each made `taps` wide.
Image resize_rows(const Image& image, const Taps& taps, int64_t begin, int64_t end) {
  Image out = black_image(static_cast<int64_t>(taps.first.size()), end - begin);
  uint8_t* to = out.pixels.data();
  for (int64_t y = begin; y < end; ++y) {
    const uint8_t* row = image.pixels.data() + y * image.width * 3;
    for (int64_t x = 0; x < out.width; ++x, to += 3) {
      const uint8_t* from = row + taps.first[static_cast<size_t>(x)] * 3;
      const int32_t* weight = taps.of(x);
      int32_t r = half, g = half, b = half;
      for (const int32_t* last = weight + taps.count[static_cast<size_t>(x)]; weight != last;
           ++weight, from += 3) {
        r += from[0] * *weight;
        g += from[1] * *weight;
        b += from[2] * *weight;
      }
      to[0] = to_byte(r), to[1] = to_byte(g), to[2] = to_byte(b);
    }
  }
  return out;
}

// `image` made `taps` high; its first row is row `begin` of what the taps count from. Whole rows at
// a time: the inner loops run over contiguous bytes.
Image resize_columns(const Image& image, const Taps& taps, int64_t begin) {
  Image out = black_image(image.width, static_cast<int64_t>(taps.first.size()));
  const int64_t bytes = image.width * 3;
  std::vector<int32_t> sums(static_cast<size_t>(bytes));
  for (int64_t y = 0; y < out.height; ++y) {
    std::fill(sums.begin(), sums.end(), half);
    int32_t* const sum = sums.data();
    for (int64_t t = 0; t < taps.count[static_cast<size_t>(y)]; ++t) {
      const uint8_t* from =
          image.pixels.data() + (taps.first[static_cast<size_t>(y)] + t - begin) * bytes;
      const int32_t weight = taps.of(y)[t];
      for (int64_t i = 0; i < bytes; ++i) sum[i] += from[i] * weight;
    }
    uint8_t* to = out.pixels.data() + y * bytes;
    for (int64_t i = 0; i < bytes; ++i) to[i] = to_byte(sum[i]);
  }
  return out;
}

constexpr int64_t most_pixels = Limits{}.pixels;  // of a result

void check_size(const Image& image) {
  check(image.width > 0 && image.height > 0 && image.width <= max_image_side &&
            image.height <= max_image_side &&
            image.pixels.size() == static_cast<size_t>(image.width * image.height * 3),
        Code::invalid_argument, "cannot resize a picture of ", image.width, "x", image.height,
        " with ", image.pixels.size(), " bytes: 3 a pixel and sides of 1 to ", max_image_side,
        " were expected");
}

}  // namespace

Image resize_part(const Image& image, const Extent& horizontal, const Extent& vertical,
                  bool antialias) {
  check_size(image);
  check(horizontal.count > 0 && vertical.count > 0 && horizontal.count <= max_image_side &&
            vertical.count <= max_image_side && horizontal.count * vertical.count <= most_pixels,
        Code::invalid_argument, "cannot resize a picture to ", horizontal.count, "x",
        vertical.count, ": sides must be 1 to ", max_image_side, ", and ", most_pixels,
        " pixels at most");
  const bool same_width = horizontal.whole == image.width,
             same_height = vertical.whole == image.height;
  if (same_width && same_height)
    return crop(image, horizontal.begin, vertical.begin, horizontal.count, vertical.count);
  const Taps rows = triangle_taps(image.height, vertical, antialias);
  const Taps columns = triangle_taps(image.width, horizontal, antialias);
  // Pillow's rule since version 13; the order shows in the last bit.
  const int64_t shrink_rows = image.height - vertical.whole,
                shrink_columns = image.width - horizontal.whole;
  if (shrink_rows > 0 && shrink_rows > 2 * shrink_columns) {
    const Image low = resize_columns(image, rows, 0);
    return resize_rows(low, columns, 0, low.height);
  }
  const Image narrow = resize_rows(image, columns, rows.begin(), rows.end());
  return resize_columns(narrow, rows, rows.begin());
}

Image resize(const Image& image, int64_t width, int64_t height, bool antialias) {
  return resize_part(image, {width, 0, width}, {height, 0, height}, antialias);
}

int64_t long_side(const Image& image, int64_t size) {
  check_size(image);
  check(size > 0 && size <= max_image_side, Code::invalid_argument,
        "cannot resize the short side to ", size, ": 1 to ", max_image_side, " is possible");
  const auto [shorter, longer] = std::minmax(image.width, image.height);
  return static_cast<int64_t>(static_cast<double>(size * longer) / static_cast<double>(shorter));
}

Image resize_short_side(const Image& image, int64_t size, bool antialias) {
  const int64_t longer = long_side(image, size);
  return image.width <= image.height ? resize(image, size, longer, antialias)
                                     : resize(image, longer, size, antialias);
}

}  // namespace alx
