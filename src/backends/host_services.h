// What the host program gives backends that compute on it.
#pragma once
#include <memory>

#include "backends/host_buffer.h"
#include "core/parallel_loop.h"
#include "core/workers.h"

namespace alx {

struct HostServices {
  std::shared_ptr<HostAllocator> allocator;  // of tensors; null: operator new
  std::shared_ptr<const ParallelLoop> loop;  // what kernels run on; null: the library's threads
};

// The program's loop, or the library's own threads: so many, 0 as make_workers() takes it.
inline std::shared_ptr<const ParallelLoop> loop_of(const HostServices& host, int threads) {
  return host.loop ? host.loop : make_workers(threads);
}

}  // namespace alx
