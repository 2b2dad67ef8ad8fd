#include "backends/vectors/peak.h"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "backends/onednn/kernels.h"

namespace alx::onednn {
namespace {

template <class Work>
double best_seconds(const Runtime& runtime, const Work& work) {
  double best = 1e9;
  for (int run = 0; run < 7; ++run) {
    const auto begin = std::chrono::steady_clock::now();
    (*runtime.loop)(runtime.threads(), work);
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
    best = std::min(best, taken.count());
  }
  return best;
}

}  // namespace

Peak measure_peak(const Runtime& runtime) {
  constexpr int64_t rounds = 1 << 20, floats = 1 << 25;  // milliseconds; more than most caches hold
  const vectors::Target target = runtime.target;
  const auto threads = static_cast<size_t>(runtime.threads());
  std::vector<float> results(threads * 16), memory(floats, 1.f);  // a cache line apart
  std::vector<int64_t> operations(threads);
  const auto result = [&](int64_t i) -> float& { return results[static_cast<size_t>(i) * 16]; };
  const double computing = best_seconds(runtime, [&](int64_t i) {
    operations[static_cast<size_t>(i)] = vectors::multiply_add(target, rounds, result(i));
  });
  const int64_t share = floats / runtime.threads();
  const double reading = best_seconds(runtime, [&](int64_t i) {
    result(i) = vectors::read(target, memory.data() + i * share, share);
  });
  const auto done = std::accumulate(operations.begin(), operations.end(), int64_t{0});
  return {static_cast<double>(done) / computing,
          static_cast<double>(share * runtime.threads()) * sizeof(float) / reading};
}

}  // namespace alx::onednn
