// Winograd's minimal filtering F(M x M, R x R): M x M outputs of an R x R filter from a tile of (M
// + R - 1)^2 inputs, each a single product of a transformed input and a transformed weight. In one
// dimension
//   y = output * ((weight * w) . (input * x)),
// the transforms being evaluation and interpolation of polynomials (Toom and Cook) at fixed points
// and at infinity. Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", CVPR 2016.
#pragma once

namespace alx::vectors::winograd {

// The points decide the rounding errors: of those tried, these had the least (relative error in
// fp32 of 192 channels, L2: 1.5e-6, 2.7e-6 and 4.1e-6; the plain sum of products: 0.5e-6 with 3 x 3
// filters, 0.9e-6 with 5 x 5).
template <int Count>
struct Points;
template <>
struct Points<5> {
  static constexpr double at[] = {0, 1, -1, 2, -.5};
};
template <>
struct Points<6> {
  static constexpr double at[] = {0, 1, -1, 2, -2, -.5};
};
template <>
struct Points<7> {
  static constexpr double at[] = {0, 1, -1, .5, -.5, 2, -2};
};

template <int M, int R>
struct Matrices {
  static constexpr int tile = M + R - 1;
  float input[tile][tile] = {}, weight[tile][R] = {}, output[M][tile] = {};

  constexpr Matrices() {
    constexpr const double* point = Points<tile - 1>::at;
    for (int i = 0; i < tile; ++i) {
      const bool infinity = i == tile - 1;
      // of (x - p) over the other points, and its value at this one
      double product[tile] = {1}, divisor = 1;
      for (int other = 0, degree = 0; other < tile - 1; ++other) {
        if (other == i) continue;
        ++degree;
        for (int k = degree; k >= 0; --k)
          product[k] = (k > 0 ? product[k - 1] : 0) - point[other] * product[k];
        if (!infinity) divisor *= point[i] - point[other];
      }
      double largest = 0, power = 1, powers[tile] = {};
      for (int k = 0; k < tile; ++k) {
        powers[k] = infinity ? 0 : power;
        if (!infinity) power *= point[i];
      }
      if (infinity) powers[R - 1] = 1;
      for (int k = 0; k < R; ++k)
        largest =
            magnitude(powers[k] / divisor) > largest ? magnitude(powers[k] / divisor) : largest;
      double scale = 1;  // a power of two, so exact; brings the weights' coefficients near one
      while (largest * scale < .71) scale *= 2;
      while (largest * scale > 1.42) scale /= 2;
      for (int k = 0; k < R; ++k) weight[i][k] = static_cast<float>(powers[k] / divisor * scale);
      for (int k = 0; k < tile; ++k) input[i][k] = static_cast<float>(product[k] / scale);
      if (infinity) powers[R - 1] = 0, powers[M - 1] = 1;
      for (int k = 0; k < M; ++k) output[k][i] = static_cast<float>(powers[k]);
    }
  }

 private:
  static constexpr double magnitude(double x) { return x < 0 ? -x : x; }
};

}  // namespace alx::vectors::winograd
