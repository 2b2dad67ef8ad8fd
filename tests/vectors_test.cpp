// Vector code on every instruction set that this machine has, against loops in double.
#include "backends/vectors/lrn.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/random.h"

namespace alx::vectors {
namespace {

std::vector<Target> targets() {
  std::vector<Target> all{Target::baseline};
#ifdef __x86_64__
  if (__builtin_cpu_supports("sse4.2")) all.push_back(Target::sse4);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(Target::avx2);
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    all.push_back(Target::avx512);
#endif
  return all;
}

// The plain formula over one picture's tensor in any layout.
class PlainLrn {
 public:
  PlainLrn(const Lrn& op, const Planes& planes, uint64_t stream) : op_(op), planes_(planes) {
    const Random random(1, stream, 0);
    for (std::vector<float>* values : {&x, &dy}) {
      values->resize(
          static_cast<size_t>(planes.images * planes.runs() * planes.lanes * planes.plane()));
      each([&](int64_t n, int64_t c, int64_t h, int64_t w) {
        const size_t i = at(n, c, h, w);
        (*values)[i] = random.uniform(values == &x ? i : ~i) * 2 - 1;
      });
    }
  }

  template <class Visit>
  void each(Visit visit) const {
    for (int64_t n = 0; n < planes_.images; ++n)
      for (int64_t c = 0; c < planes_.channels; ++c)
        for (int64_t h = 0; h < planes_.height; ++h)
          for (int64_t w = 0; w < planes_.width; ++w) visit(n, c, h, w);
  }
  size_t at(int64_t n, int64_t c, int64_t h, int64_t w) const {
    const int64_t run = n * planes_.runs() + c / planes_.lanes;
    return static_cast<size_t>((run * planes_.plane() + h * planes_.width + w) * planes_.lanes +
                               c % planes_.lanes);
  }
  double y(int64_t n, int64_t c, int64_t h, int64_t w) const {
    return x[at(n, c, h, w)] * std::pow(scale(n, c, h, w), -op_.beta);
  }
  double dx(int64_t n, int64_t c, int64_t h, int64_t w) const {
    double sum = 0;  // over the positions whose windows hold this one
    window(c, h, w, op_.size - 1 - op_.size / 2, [&](int64_t c2, int64_t h2, int64_t w2) {
      const size_t i = at(n, c2, h2, w2);
      sum += double{dy[i]} * x[i] * std::pow(scale(n, c2, h2, w2), -op_.beta - 1);
    });
    const size_t i = at(n, c, h, w);
    return dy[i] * std::pow(scale(n, c, h, w), -op_.beta) -
           2.0 * op_.effective_alpha() * op_.beta * x[i] * sum;
  }

  std::vector<float> x, dy;

 private:
  template <class Visit>
  void window(int64_t c, int64_t h, int64_t w, int64_t before, Visit visit) const {
    const bool across = op_.region == Lrn::Region::across;
    for (int64_t i = -before; i < op_.size - before; ++i)
      for (int64_t j = -before; j < op_.size - before; ++j) {
        if (across && j != 0) continue;
        const int64_t c2 = across ? c + i : c, h2 = across ? h : h + i, w2 = w + j;
        if (c2 >= 0 && c2 < planes_.channels && h2 >= 0 && h2 < planes_.height && w2 >= 0 &&
            w2 < planes_.width)
          visit(c2, h2, w2);
      }
  }
  double scale(int64_t n, int64_t c, int64_t h, int64_t w) const {
    double sum = 0;
    window(c, h, w, op_.size / 2, [&](int64_t c2, int64_t h2, int64_t w2) {
      sum += double{x[at(n, c2, h2, w2)]} * x[at(n, c2, h2, w2)];
    });
    return op_.k + double{op_.effective_alpha()} * sum;
  }

  const Lrn op_;
  const Planes planes_;
};

// In two goes, as two threads would, in scratch memory that must do.
std::vector<float> run(const LrnPass& given, Target target) {
  LrnPass pass = given;
  const Planes& p = pass.planes;
  std::vector<float> result(static_cast<size_t>(p.images * p.runs() * p.lanes * p.plane()));
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
    SCOPED_TRACE(testing::Message()
                 << name_of(target) << " size " << op.size << " beta " << op.beta << " lanes "
                 << planes.lanes << " channels " << planes.channels);
    const std::vector<float> y = run({op, planes, false, plain.x.data()}, target);
    const std::vector<float> dx = run({op, planes, true, plain.x.data(), plain.dy.data()}, target);
    double y_error = 0, dx_error = 0;
    plain.each([&](int64_t n, int64_t c, int64_t h, int64_t w) {
      const size_t i = plain.at(n, c, h, w);
      y_error = std::max(y_error, std::abs(y[i] - plain.y(n, c, h, w)));
      dx_error = std::max(dx_error, std::abs(dx[i] - plain.dx(n, c, h, w)));
    });
    EXPECT_LT(y_error, 2e-6);
    EXPECT_LT(dx_error, 4e-6);
  }
}

TEST(Vectors, LrnAsTheFormulaInEveryLayout) {
  for (const auto region : {Lrn::Region::across, Lrn::Region::within})
    for (const int64_t size : {1, 2, 3, 5})
      for (const float beta : {0.75f, 0.5f})
        for (const int64_t channels : {3, 20})
          for (const int64_t lanes : {int64_t{1}, int64_t{8}, int64_t{16}, channels})
            expect_close(
                {.size = size, .k = 1.5f, .alpha = 0.3f, .beta = beta, .region = region},
                {.images = 2, .channels = channels, .height = 11, .width = 5, .lanes = lanes});
}

// Whoever computes which parts, every bit is the same.
TEST(Vectors, LrnDoesNotDependOnItsParts) {
  const Lrn op{.region = Lrn::Region::within};
  const Planes planes{.images = 2, .channels = 20, .height = 19, .width = 6, .lanes = 8};
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
