#pragma once

#include <cstdint>

#ifdef __SANITIZE_THREAD__
extern "C" void __tsan_acquire(void* address);
extern "C" void __tsan_release(void* address);
#endif

namespace alx::onednn {

// f(i) for each i below count, on the threads of Runtime::run.
#ifndef __SANITIZE_THREAD__
template <class F>
void parallel_for(int64_t count, const F& f) {
#pragma omp parallel for schedule(static)
  for (int64_t i = 0; i < count; ++i) f(i);
}
#else
// ThreadSanitizer does not see the barriers of libgomp, so it is told of them. What f does it still
// checks.
template <class F>
__attribute__((no_sanitize("thread"))) void parallel_for(int64_t count, const F& f) {
  char barrier = 0;
  __tsan_release(&barrier);
#pragma omp parallel
  {
    __tsan_acquire(&barrier);
#pragma omp for schedule(static) nowait
    for (int64_t i = 0; i < count; ++i) f(i);
    __tsan_release(&barrier);
  }
  __tsan_acquire(&barrier);
}
#endif

}  // namespace alx::onednn
