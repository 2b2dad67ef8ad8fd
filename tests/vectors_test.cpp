// Vector code on every instruction set that this machine has, against the plain loops.
#include "backends/vectors/lrn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "core/random.h"
#include "cudasim/oracle.h"
#include "vector_targets.h"

namespace alx::vectors {
namespace {

// The plain loops over random numbers, and the same numbers channels last.
class PlainLrn {
 public:
  PlainLrn(const Lrn& op, const Planes& planes, uint64_t stream)
      : planes_(planes),
        oracle_(op, {planes.images, planes.channels, planes.height, planes.width},
                Phase::training) {
    const Random random(1, stream, 0);
    for (size_t i = 0; i < oracle_.x.size(); ++i) {
      oracle_.x[i] = random.uniform(2 * i) * 2 - 1;
      oracle_.dy[i] = random.uniform(2 * i + 1) * 2 - 1;
    }
    oracle_.forward();
    oracle_.backward();
    x = laid_out(oracle_.x);
    dy = laid_out(oracle_.dy);
  }

  double y_error(const std::vector<float>& y) const { return largest(y, oracle_.y); }
  double dx_error(const std::vector<float>& dx) const { return largest(dx, oracle_.dx); }

  std::vector<float> x, dy;

 private:
  // Where element i of a dense tensor is.
  size_t place(size_t i) const {
    const auto plane = static_cast<size_t>(planes_.height * planes_.width);
    const auto channels = static_cast<size_t>(planes_.channels);
    return (i / plane / channels * plane + i % plane) * channels + i / plane % channels;
  }
  std::vector<float> laid_out(const std::vector<float>& dense) const {
    std::vector<float> values(dense.size());
    for (size_t i = 0; i < dense.size(); ++i) values[place(i)] = dense[i];
    return values;
  }
  double largest(const std::vector<float>& got, const std::vector<float>& dense) const {
    double error = 0;
    for (size_t i = 0; i < dense.size(); ++i)
      error = std::max(error, std::abs(double{got[place(i)]} - dense[i]));
    return error;
  }

  const Planes planes_;
  cudasim::Oracle oracle_;
};

// In two goes, as two threads would, in scratch memory that must do.
std::vector<float> run(const LrnPass& given, Target target) {
  LrnPass pass = given;
  const Planes& p = pass.planes;
  std::vector<float> result(static_cast<size_t>(p.images * p.height * p.row()));
  pass.out = result.data();
  const auto scratch = static_cast<size_t>(pass.scratch());
  const int64_t middle = pass.parts() / 3;
  for (const auto& [first, last] :
       {std::pair{int64_t{0}, middle}, std::pair{middle, pass.parts()}}) {
    std::vector<float> memory(scratch + 1, -7);
    pass.run(target, first, last, memory.data());
    EXPECT_EQ(memory.back(), -7) << "beyond its scratch memory";
  }
  return result;
}

void expect_close(Lrn op, const Planes& planes) {
  const PlainLrn plain(op, planes, static_cast<uint64_t>(op.size));
  for (const Target target : targets()) {
    SCOPED_TRACE(testing::Message() << name_of(target) << " size " << op.size << " beta " << op.beta
                                    << " channels " << planes.channels);
    const std::vector<float> y = run({op, planes, false, plain.x.data()}, target);
    const std::vector<float> dx = run({op, planes, true, plain.x.data(), plain.dy.data()}, target);
    EXPECT_LT(plain.y_error(y), 2e-6);
    EXPECT_LT(plain.dx_error(dx), 4e-6);
  }
}

TEST(Vectors, LrnAsTheFormula) {
  for (const auto region : {Lrn::Region::across, Lrn::Region::within})
    for (const int64_t size : {1, 2, 3, 5})
      for (const float beta : {0.75f, 0.5f, 0.f})
        for (const int64_t channels : {1, 3, 8, 20, 32})
          expect_close({.size = size, .k = 1.5f, .alpha = 0.3f, .beta = beta, .region = region},
                       {.images = 2, .channels = channels, .height = 11, .width = 5});
}

// What is no number stays none, also in the windows of its neighbours.
TEST(Vectors, LrnPassesOnWhatIsNoNumber) {
  const Planes planes{.images = 1, .channels = 16, .height = 1, .width = 1};
  std::vector<float> x(16, 1.f);
  x[8] = std::numeric_limits<float>::quiet_NaN();
  for (const float beta : {0.75f, 0.5f})
    for (const Target target : targets()) {
      const Lrn op{.size = 3, .beta = beta};
      const std::vector<float> y = run({op, planes, false, x.data()}, target);
      for (size_t c = 0; c < y.size(); ++c)
        EXPECT_EQ(std::isnan(y[c]), c >= 7 && c <= 9) << name_of(target) << ", channel " << c;
    }
}

// Whoever computes which parts, every bit is the same.
TEST(Vectors, LrnDoesNotDependOnItsParts) {
  const Lrn op{.region = Lrn::Region::within};
  const Planes planes{.images = 2, .channels = 20, .height = 19, .width = 6};
  const PlainLrn plain(op, planes, 1);
  for (const Target target : targets()) {
    const LrnPass pass{op, planes, true, plain.x.data(), plain.dy.data()};
    const std::vector<float> together = run(pass, target);
    std::vector<float> alone(together.size()), memory(static_cast<size_t>(pass.scratch()));
    const LrnPass other{op, planes, true, plain.x.data(), plain.dy.data(), alone.data()};
    for (int64_t part = pass.parts(); part-- > 0;) other.run(target, part, part + 1, memory.data());
    EXPECT_EQ(alone, together) << name_of(target);
  }
}

}  // namespace
}  // namespace alx::vectors
