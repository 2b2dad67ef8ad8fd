#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

#include "core/large_pages.h"

namespace alx {

void ask_for_large_pages([[maybe_unused]] void* memory, [[maybe_unused]] size_t bytes) noexcept {
#ifdef MADV_HUGEPAGE
  constexpr size_t worth_it = size_t{4} << 20;  // two of x86's large pages
  if (bytes < worth_it) return;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = (reinterpret_cast<uintptr_t>(memory) + page - 1) / page * page;
  const uintptr_t last = (reinterpret_cast<uintptr_t>(memory) + bytes) / page * page;
  (void)madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

}  // namespace alx
