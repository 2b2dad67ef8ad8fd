// The library's own threads. All loops of a process share them, so that several sessions at once do
// not ask for more threads than there are; there are as many as the widest loop wanted, less its
// caller.
#pragma once
#include <cstdint>
#include <memory>

#include "core/parallel_loop.h"

namespace alx {

// Loops on the calling thread and at most threads - 1 of the shared ones; 0 threads: as many as the
// process may use. The shared ones end with the last of these objects. A loop's caller takes parts
// like the others and waits for no thread that has taken none, so a thread that another program
// keeps from running holds nobody up. Threads without work look for more for 50 us and then sleep.
// Where the system gives no thread, or after fork(), whose child has none of its parent's, loops
// run all the same: on fewer threads until there are new ones.
std::shared_ptr<const ParallelLoop> make_workers(int threads);

}  // namespace alx
