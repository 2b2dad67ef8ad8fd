// Sums over the images of a batch, as gradients of weights are.
#pragma once
#include "backends/onednn/runtime.h"
#include "backends/vectors/elementwise.h"

namespace alx::onednn {

// Parts that the images are cut into. They depend on nothing but their number, so that the sums'
// bits do not either.
inline int64_t image_parts(int64_t images) { return std::min<int64_t>(images, 32); }

// f(first, last, sums) for each part of the images, whose `floats` sums lie one part after the
// other in `sums`; then all are added to the first, in a fixed tree.
template <class F>
void sum_over_images(const Runtime& runtime, int64_t images, int64_t floats, float* sums,
                     const F& f) {
  const int64_t parts = image_parts(images);
  (*runtime.loop)(parts, [&](int64_t part) {
    f(images * part / parts, images * (part + 1) / parts, sums + part * floats);
  });
  each_range(runtime, floats, 4096, [&](int64_t first, int64_t last) {
    for (int64_t step = 1; step < parts; step *= 2)
      for (int64_t part = 0; part + step < parts; part += 2 * step)
        vectors::add(runtime.target, sums + (part + step) * floats + first,
                     sums + part * floats + first, last - first);
  });
}

}  // namespace alx::onednn
