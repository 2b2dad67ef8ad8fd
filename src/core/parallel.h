// Work shared between threads.
#pragma once
#include <algorithm>
#include <cstddef>
#include <functional>
#include <future>
#include <vector>

#include "core/processors.h"

namespace alx {

// Calls work(first, last) for parts of 0..count, one on each of so many threads (0: as many as the
// process may use). Returns when all are done; throws what the first of them threw.
template <class Work>
void in_parts(size_t count, int threads, const Work& work) {
  const size_t wanted =
      threads > 0 ? static_cast<size_t>(threads) : static_cast<size_t>(usable_threads().count);
  const size_t parts = std::clamp<size_t>(count, 1, wanted);
  std::vector<std::future<void>> others;
  for (size_t part = 1; part < parts; ++part)
    others.push_back(std::async(std::launch::async, std::cref(work), count * part / parts,
                                count * (part + 1) / parts));
  work(0, count / parts);
  for (std::future<void>& other : others) other.get();
}

}  // namespace alx
