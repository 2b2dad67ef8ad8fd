// Vector code besides normalisation, on every instruction set that this machine has.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "backends/vectors/dropout.h"
#include "backends/vectors/elementwise.h"
#include "backends/vectors/half.h"
#include "backends/vectors/pooling.h"
#include "backends/vectors/product.h"
#include "backends/vectors/winograd.h"
#include "core/half.h"
#include "vector_targets.h"

namespace alx::vectors {
namespace {

using Values = std::vector<float>;
constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

size_t index(int64_t i) { return static_cast<size_t>(i); }

Values random_values(int64_t count, uint64_t stream) {
  Values values(index(count));
  const Random random(3, stream, 0);
  for (size_t i = 0; i < values.size(); ++i) values[i] = random.uniform(i) * 2 - 1;
  return values;
}

struct Size {
  int64_t rows, depth, columns;
};
constexpr Size sizes[] = {{1, 300, 130}, {2, 17, 64},  {5, 1, 7},    {7, 40, 33},
                          {13, 75, 96},  {33, 48, 64}, {25, 9, 1000}};

Values product_of(Target target, const Size& s, const Values& a, const Values& packed,
                  int64_t split) {
  Values c(index(s.rows * s.columns), not_a_number);
  for (int64_t k = 0; k < s.depth; k += split)
    multiply(target, {.rows = s.rows,
                      .columns = s.columns,
                      .depth = std::min(split, s.depth - k),
                      .a = a.data() + k,
                      .a_row = s.depth,
                      .a_depth = 1,
                      .b = packed.data() + k * panel_width(target),
                      .b_panel = s.depth * panel_width(target),
                      .b_row = panel_width(target),
                      .c = c.data(),
                      .c_row = s.columns,
                      .add = k > 0});
  return c;
}

TEST(Product, IsTheSumOfProducts) {
  for (const Target target : targets())
    for (const Size& s : sizes) {
      const Values a = random_values(s.rows * s.depth, 1),
                   b = random_values(s.depth * s.columns, 2);
      Values packed(index(s.depth * packed_columns(target, s.columns)), not_a_number);
      pack(target, b.data(), s.depth, s.columns, s.columns, 1, packed.data());
      const Values c = product_of(target, s, a, packed, s.depth);
      for (int64_t i = 0; i < s.rows; ++i)
        for (int64_t j = 0; j < s.columns; ++j) {
          double want = 0;
          for (int64_t k = 0; k < s.depth; ++k)
            want += double{a[index(i * s.depth + k)]} * double{b[index(k * s.columns + j)]};
          ASSERT_NEAR(c[index(i * s.columns + j)], want, 1e-5 * std::sqrt(s.depth))
              << name_of(target);
        }
    }
}

// Neither the rows beside it nor where the depth is cut is in an element's bits.
TEST(Product, HasOneOrderOfSums) {
  for (const Target target : targets())
    for (const Size& s : sizes) {
      const Values a = random_values(s.rows * s.depth, 1),
                   b = random_values(s.depth * s.columns, 2);
      Values packed(index(s.depth * packed_columns(target, s.columns)));
      pack(target, b.data(), s.depth, s.columns, s.columns, 1, packed.data());
      const Values whole = product_of(target, s, a, packed, s.depth);
      EXPECT_EQ(product_of(target, s, a, packed, 16), whole) << name_of(target);
      for (int64_t row = 0; row < s.rows; ++row) {
        const Values one(a.begin() + row * s.depth, a.begin() + (row + 1) * s.depth);
        const Values alone = product_of(target, {1, s.depth, s.columns}, one, packed, s.depth);
        EXPECT_TRUE(std::equal(alone.begin(), alone.end(), whole.begin() + row * s.columns));
      }
    }
}

// Rows that overlap, each in runs with gaps between them, as a convolution reads a picture; and the
// result written past the caches, at every alignment.
TEST(Product, ReadsRunsAndWritesPastCaches) {
  for (const Target target : targets())
    for (const Size& s : sizes) {
      const int64_t run = s.depth + 3, depth = 2 * s.depth;
      const Values a = random_values(s.rows + 2 * run, 1), b = random_values(depth * s.columns, 2);
      Values packed(index(depth * packed_columns(target, s.columns)));
      pack(target, b.data(), depth, s.columns, s.columns, 1, packed.data());
      Values gathered;
      for (int64_t row = 0; row < s.rows; ++row)
        for (int64_t k = 0; k < depth; ++k)
          gathered.push_back(a[index(row + k / s.depth * run + k % s.depth)]);
      const Values want = product_of(target, {s.rows, depth, s.columns}, gathered, packed, depth);
      const int64_t c_row = (s.columns + 63) / 64 * 64;
      Values c(index(s.rows * c_row + 32));
      for (size_t offset = 0; offset < 32; ++offset) {
        multiply(target, {.rows = s.rows,
                          .columns = s.columns,
                          .depth = s.depth,
                          .a = a.data(),
                          .a_row = 1,
                          .a_depth = 1,
                          .b = packed.data(),
                          .b_panel = depth * panel_width(target),
                          .b_row = panel_width(target),
                          .c = c.data() + offset,
                          .c_row = c_row,
                          .runs = 2,
                          .a_run = run,
                          .past_caches = true});
        for (int64_t row = 0; row < s.rows; ++row)
          ASSERT_TRUE(std::equal(want.begin() + row * s.columns,
                                 want.begin() + (row + 1) * s.columns,
                                 c.begin() + static_cast<int64_t>(offset) + row * c_row))
              << name_of(target) << " " << s.rows << " rows at " << offset;
      }
    }
}

TEST(Product, StartsWithTheBiasAndEndsWithRelu) {
  for (const Target target : targets())
    for (const Size& s : sizes) {
      const Values a = random_values(s.rows * s.depth, 1),
                   b = random_values(s.depth * packed_columns(target, s.columns), 2),
                   bias = random_values(s.columns, 3);
      Product p{.rows = s.rows,
                .columns = s.columns,
                .depth = s.depth,
                .a = a.data(),
                .a_row = s.depth,
                .a_depth = 1,
                .b = b.data(),
                .b_panel = s.depth * panel_width(target),
                .b_row = panel_width(target),
                .c = nullptr,
                .c_row = s.columns,
                .add = true};
      Values want;
      for (int64_t row = 0; row < s.rows; ++row) want.insert(want.end(), bias.begin(), bias.end());
      p.c = want.data();
      multiply(target, p);
      for (float& value : want) value = std::max(value, 0.f);
      Values c(want.size());
      p.c = c.data(), p.add = false, p.bias = bias.data(), p.relu = true;
      multiply(target, p);
      EXPECT_EQ(c, want) << name_of(target);
    }
}

TEST(Elementwise, SoftmaxIsAccurateAndKeepsWhatIsNoNumber) {
  for (const Target target : targets())
    for (const int64_t classes : {1, 10, 1000}) {
      Values x = random_values(classes, 1);
      for (float& value : x) value *= 50;
      double sum = 0;
      for (const float value : x) sum += std::exp(double{value});
      Values p(x.size());
      softmax(target, x.data(), p.data(), classes);
      for (size_t i = 0; i < x.size(); ++i) {
        const double want = std::exp(double{x[i]}) / sum;
        EXPECT_NEAR(p[i], want, 1e-5 * want + 1e-40) << name_of(target);
      }
      x[index(classes / 2)] = not_a_number;
      softmax(target, x.data(), x.data(), classes);
      for (const float value : x) EXPECT_TRUE(std::isnan(value)) << name_of(target);
    }
}

TEST(Elementwise, AddsToRows) {
  for (const Target target : targets())
    for (const int64_t columns : {1, 16, 37}) {
      const Rows rows{5, columns, columns + 3};
      const Values x = random_values(5 * rows.apart, 1), bias = random_values(columns, 2);
      Values sum = bias, y = x;
      add_rows(target, x.data(), rows, sum.data());
      add_bias(target, Activation::relu, bias.data(), rows, y.data());
      for (int64_t i = 0; i < columns; ++i) {
        float want = bias[index(i)];
        for (int64_t row = 0; row < rows.count; ++row) {
          const float value = x[index(row * rows.apart + i)];
          want += value;
          EXPECT_EQ(y[index(row * rows.apart + i)], std::max(value + bias[index(i)], 0.f));
        }
        EXPECT_EQ(sum[index(i)], want);
      }
      for (int64_t i = columns; i < rows.apart; ++i) EXPECT_EQ(y[index(i)], x[index(i)]);
    }
}

TEST(WinogradTiles, ConvolveAWindow) {
  for (const Target target : targets())
    for (const auto& [m, r] : {std::pair{4, 3}, {5, 3}, {4, 5}}) {
      const Tiles& tiles = *winograd_tiles(target, m, r);
      const int64_t channels = 2 * lanes(target);
      const int n = tiles.tile;
      const Values x = random_values(n * n * channels, 1), w = random_values(r * r * channels, 2);
      Values points(index(tiles.points() * channels)), weights = points, y(index(m * m * channels));
      tiles.input(x.data(), {n * channels, channels, 0, n, 0, n}, points.data(), channels,
                  channels);
      tiles.weight(w.data(), {r * channels, channels, 0, r, 0, r}, weights.data(), channels,
                   channels);
      for (size_t i = 0; i < points.size(); ++i) points[i] *= weights[i];
      tiles.output(points.data(), channels, y.data(), {m * channels, channels, 0, m, 0, m},
                   channels, nullptr, false);
      for (int64_t i = 0; i < m; ++i)
        for (int64_t j = 0; j < m; ++j)
          for (int64_t c = 0; c < channels; ++c) {
            double want = 0;
            for (int64_t a = 0; a < r; ++a)
              for (int64_t b = 0; b < r; ++b)
                want += double{x[index(((i + a) * n + j + b) * channels + c)]} *
                        double{w[index((a * r + b) * channels + c)]};
            ASSERT_NEAR(y[index((i * m + j) * channels + c)], want, 3e-5) << name_of(target);
          }
    }
}

TEST(Elementwise, KeepsWhatIsNoNumber) {
  for (const Target target : targets()) {
    const Values x{-2, -0.f, 0, 3, not_a_number, -1e30f, 1e30f, .5f, -.25f, not_a_number, 1};
    Values relu(x.size()), tanh(x.size());
    const auto count = static_cast<int64_t>(x.size());
    activate(target, Activation::relu, x.data(), relu.data(), count);
    activate(target, Activation::tanh, x.data(), tanh.data(), count);
    for (size_t i = 0; i < x.size(); ++i) {
      if (std::isnan(x[i])) {
        EXPECT_TRUE(std::isnan(relu[i]) && std::isnan(tanh[i])) << name_of(target);
        continue;
      }
      EXPECT_EQ(relu[i], std::max(x[i], 0.f));
      EXPECT_NEAR(tanh[i], std::tanh(x[i]), 1e-6) << name_of(target);
    }
  }
}

TEST(Half, RoundsAsPlainCodeDoes) {
  Values x{0,      -0.f,         1,      1.00048828125f, 65504,      65519, 65520,
           1e30f,  6e-8f,        2e-8f,  -5.96e-8f,      3.05e-5f,   .1f,   -1e-7f,
           1e-40f, not_a_number, -1e38f, 3.39e38f,       1.00390625f};
  const Values more = random_values(1000, 5);
  x.insert(x.end(), more.begin(), more.end());
  const auto count = static_cast<int64_t>(x.size());
  for (const Target target : targets())
    for (const DataType type : {DataType::f16, DataType::bf16}) {
      std::vector<uint16_t> half(x.size());
      Values back(x.size());
      from_f32(target, type, x.data(), half.data(), count);
      to_f32(target, type, half.data(), back.data(), count);
      for (size_t i = 0; i < x.size(); ++i) {
        const uint16_t want = type == DataType::f16 ? float_to_half(x[i]) : float_to_bfloat(x[i]);
        const float wide = type == DataType::f16 ? half_to_float(want) : bfloat_to_float(want);
        if (std::isnan(x[i])) {
          EXPECT_TRUE(std::isnan(back[i]));
          continue;
        }
        EXPECT_EQ(half[i], want) << x[i] << " " << name_of(target);
        EXPECT_EQ(back[i], wide) << x[i] << " " << name_of(target);
      }
    }
}

TEST(DropoutVectors, DrawTheNumbersOfTheirIndices) {
  const Random random(11, 12, 13);
  const Values x(70, 2.f);
  for (const Target target : targets())
    for (const Draws draws :
         {Draws{0, 1}, {5, 49}, {(uint64_t{1} << 32) - 20, 1}, {uint64_t{7} << 40, 3}}) {
      Values y(x.size());
      dropout(target, random, draws, .4f, 1.5f, x.data(), y.data(), static_cast<int64_t>(x.size()));
      for (size_t i = 0; i < x.size(); ++i)
        EXPECT_EQ(y[i], random.uniform(draws.first + i * draws.step) >= .4f ? 3.f : 0.f)
            << name_of(target) << ", " << i;
    }
}

TEST(Pooling, NotANumberWinsAndTheFirstOfEquals) {
  for (const Target target : targets()) {
    Pooling pooling{.max = true,
                    .channels = 3,
                    .width = 4,
                    .rows = {{0, 2, 2}},
                    .columns = {{0, 2, 2}, {2, 4, 2}},
                    .holders_of_row = {{0, 1}, {0, 1}},
                    .holders_of_column = {{0, 1}, {0, 1}, {1, 2}, {1, 2}}};
    Values x(2 * 4 * 3, 1.f);
    x[index(1 * 3 + 1)] = not_a_number;  // (0, 1), channel 1
    x[index((4 + 3) * 3 + 2)] = 5;       // (1, 3), channel 2
    Values y(6), dx(x.size(), not_a_number);
    std::vector<uint8_t> winners(6);
    pool(target, pooling, x.data(), y.data(), winners.data(), 0, 1);
    EXPECT_EQ(y[0], 1);
    EXPECT_TRUE(std::isnan(y[1])) << name_of(target);
    EXPECT_EQ(y[5], 5);
    EXPECT_EQ(winners, (std::vector<uint8_t>{0, 1, 0, 0, 0, 3}));
    const Values dy{1, 2, 3, 4, 5, 6};
    pool_gradient(target, pooling, dy.data(), winners.data(), dx.data(), 0, 2);
    Values want(x.size(), 0.f);
    want[0] = 1, want[index(3 + 1)] = 2, want[2] = 3;
    want[index(2 * 3)] = 4, want[index(2 * 3 + 1)] = 5, want[index((4 + 3) * 3 + 2)] = 6;
    EXPECT_EQ(dx, want) << name_of(target);
  }
}

}  // namespace
}  // namespace alx::vectors
