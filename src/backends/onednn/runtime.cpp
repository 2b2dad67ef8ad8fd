#include "backends/onednn/runtime.h"

#include <omp.h>

#include <algorithm>
#include <future>
#include <system_error>

#include "core/error.h"
#include "core/process.h"

namespace alx::onednn {
namespace {

// The settings of this thread alone; they are given back.
class Team {
 public:
  explicit Team(int threads) : threads_(omp_get_max_threads()), dynamic_(omp_get_dynamic()) {
    omp_set_dynamic(0);
    // oneDNN plans by it, inside a region too, where it then runs on one thread
    omp_set_num_threads(threads);
  }
  ~Team() {
    omp_set_num_threads(threads_);
    omp_set_dynamic(dynamic_);
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

 private:
  int threads_, dynamic_;
};

// every team here is of one
bool is_alone() { return omp_get_active_level() >= omp_get_max_active_levels(); }

// Whether a region of this thread gets the team it asks for.
bool gives_team(int threads) {
  return threads == 1 ||
         (!is_alone() && !omp_in_parallel() && omp_get_thread_limit() >= threads && !is_forked());
}

}  // namespace

int granted_threads(int wanted) {
  if (omp_in_parallel() || is_alone()) return 1;
  return std::min(wanted > 0 ? wanted : omp_get_max_threads(), omp_get_thread_limit());
}

void Runtime::run(const std::function<void()>& work) const {
  if (gives_team(threads)) {
    const Team team(threads);
    return work();
  }
  // The host has moved since the kernels were made: into a region, to other settings, or through
  // fork(), which leaves this thread a team of threads that are gone. A new thread has none of
  // that.
  std::future<void> done;
  try {
    done = std::async(std::launch::async, [&] {
      omp_set_max_active_levels(1);
      const Team team(threads);
      work();
    });
  } catch (const std::system_error& error) {
    fail(Code::out_of_memory, "no thread could be started to compute on: ", error.what());
  }
  done.get();
}

}  // namespace alx::onednn
