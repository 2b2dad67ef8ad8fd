// What the host program gives backends that compute on it.
#pragma once
#include <memory>

#include "backends/host_buffer.h"
#include "core/parallel_loop.h"

namespace alx {

struct HostServices {
  std::shared_ptr<HostAllocator> allocator;  // of tensors; null: operator new
  std::shared_ptr<const ParallelLoop> loop;  // what kernels run on; null: the library's threads
};

}  // namespace alx
