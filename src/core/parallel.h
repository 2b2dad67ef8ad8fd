// Work shared between threads.
#pragma once
#include <algorithm>
#include <cstddef>

#include "core/processors.h"
#include "core/workers.h"

namespace alx {

// Calls work(first, last) for parts of 0..count, one on each of so many threads (0: as many as the
// process may use). Returns when all are done; throws what the first of them threw.
template <class Work>
void in_parts(size_t count, int threads, const Work& work) {
  const int wanted = threads > 0 ? threads : usable_threads().count;
  const size_t parts = std::clamp<size_t>(count, 1, static_cast<size_t>(wanted));
  (*make_workers(static_cast<int>(parts)))(static_cast<int64_t>(parts), [&](int64_t part) {
    const auto i = static_cast<size_t>(part);
    work(count * i / parts, count * (i + 1) / parts);
  });
}

}  // namespace alx
