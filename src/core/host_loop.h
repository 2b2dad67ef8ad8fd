// Loops on threads that the host program has.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>

#include "core/parallel_loop.h"

namespace alx {

// Runs each part of a loop once, on any threads, and comes back when all have run.
using HostPool = std::function<void(int64_t parts, Loop loop)>;

// Loops that `pool` runs in at most `threads` (1..4096) parts of its own, so that no more than
// those are at work however many threads it has; with one, and within a part, the calling thread
// does all and nobody asks the pool. Throws Error(invalid_state) where the pool came back before
// its parts had run, ran one twice or threw.
std::shared_ptr<const ParallelLoop> make_host_loop(HostPool pool, int threads);

}  // namespace alx
