// Loops whose parts may run at once, on whichever threads there are.
#pragma once
#include <cstdint>

namespace alx {

// What a loop does: task(part) for each part.
struct Loop {
  void (*run)(void* task, int64_t part);
  void* task;
  void run_all(int64_t parts) const {  // on this thread
    for (int64_t part = 0; part < parts; ++part) run(task, part);
  }
};

class ParallelLoop {
 public:
  virtual ~ParallelLoop() = default;
  // How many parts run at once at most, 1 or more: what loops are cut by. No result depends on it.
  virtual int threads() const = 0;
  // f(part) once for each part below `parts` (at most 2^31), in any order; comes back when all are
  // done, and throws what the first of them threw. Within a part it runs on the calling thread
  // alone.
  template <class F>
  void operator()(int64_t parts, const F& f) const {
    if (parts == 1) return f(0);
    run(parts, {[](void* task, int64_t part) { (*static_cast<const F*>(task))(part); },
                const_cast<F*>(&f)});
  }

 protected:
  virtual void run(int64_t parts, Loop loop) const = 0;
};

}  // namespace alx
