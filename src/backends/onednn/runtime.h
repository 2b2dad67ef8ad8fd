// What all kernels of this backend share, and the OpenMP team that they compute with.
#pragma once
#include <functional>

#include <oneapi/dnnl/dnnl.hpp>

namespace alx::onednn {

// Of so many wanted threads (0: as OpenMP would take, OMP_NUM_THREADS or all), how many a team can
// have here: one inside a parallel region of the host program or where it forbids such regions, and
// no more than OMP_THREAD_LIMIT.
int granted_threads(int wanted);

struct Runtime {
  dnnl::engine engine;
  dnnl::stream stream;
  // kernels are cut for a team of just this size: with another one parts would be left out
  int threads;

  // Does `work` where OpenMP gives teams of `threads`, and leaves the host's settings as they were.
  void run(const std::function<void()>& work) const;
};

}  // namespace alx::onednn
