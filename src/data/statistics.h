// What a training set's pictures have in common: their mean, and the colours in which they differ.
#pragma once
#include <array>
#include <cstdint>

#include "data/dataset.h"
#include "data/preprocess.h"

namespace alx {

// Principal components of the pixels' colours (the paper, section 4.1), in RGB bytes. Column j of
// `components` is the j-th unit vector, the one with the largest deviation first; deviations are
// the square roots of the eigenvalues.
struct ColourComponents {
  std::array<double, 3> deviations{};
  std::array<std::array<double, 3>, 3> components{};  // [channel][component]
};

// Of a symmetric matrix: of the covariance of R, G and B.
ColourComponents principal_components(const std::array<std::array<double, 3>, 3>& covariance);

struct SetStatistics {
  int64_t pictures = 0;          // that were read
  std::array<double, 3> mean{};  // RGB bytes
  ColourComponents colours;
  MeanImage mean_image;  // of the centre square after resizing; empty where none was asked for
};

// Of the pictures as they are prepared for the network: of all, or of `at_most` that are spread
// evenly. The same whatever the number of threads. Broken pictures do not count; throws bad_file
// where all are.
SetStatistics measure_set(const Dataset& data, const InputSpec& input, bool mean_image, int threads,
                          int64_t at_most = 50'000);

// The colour that is added to every pixel of the picture at this position of an epoch, in RGB
// bytes: each component times its deviation times a draw from N(0, noise). The paper writes
// eigenvalues; its authors' code, which is followed here, multiplies by deviations.
std::array<float, 3> draw_colour(const ColourComponents& colours, float noise, uint64_t seed,
                                 int64_t epoch, int64_t position);

}  // namespace alx
