// A loop that counts.
#pragma once
#include <algorithm>

#include "core/parallel_loop.h"

namespace alx {

// Counts what it is asked to run, and runs it on the calling thread.
class Counted final : public ParallelLoop {
 public:
  explicit Counted(int threads) : threads_(threads) {}
  int threads() const override { return threads_; }
  int64_t most() const { return most_; }
  void forget() { most_ = 0; }

 protected:
  void run(int64_t parts, Loop loop) const override {
    most_ = std::max(most_, parts);
    for (int64_t part = 0; part < parts; ++part) loop.run(loop.task, part);
  }

 private:
  const int threads_;
  mutable int64_t most_ = 0;
};

}  // namespace alx
