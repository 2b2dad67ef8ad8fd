// Memory of backends that compute on the host, and where it comes from.
#pragma once
#include <memory>

#include "backends/backend.h"

namespace alx {

// Gives the memory of tensors: weights, activations, workspaces. Used from several threads.
class HostAllocator {
 public:
  virtual ~HostAllocator() = default;
  // At least `bytes` (1 or more) at a multiple of `alignment`, a power of two. Throws
  // Error(out_of_memory).
  virtual void* allocate(size_t bytes, size_t alignment) = 0;
  virtual void free(void* memory, size_t bytes, size_t alignment) noexcept = 0;
};

// Backend::copy_from() to host memory.
void copy_to_host(Backend& source, const void* from, void* to, size_t bytes);

// Of memory that the host reads.
bool all_finite_on_host(const std::vector<std::pair<const void*, size_t>>& values);

// A zero-filled buffer that any kernel may use. `allocator` null: operator new.
std::shared_ptr<Buffer> make_host_buffer(size_t bytes, std::shared_ptr<HostAllocator> allocator);

}  // namespace alx
