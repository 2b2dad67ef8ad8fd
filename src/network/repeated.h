#pragma once
#include <functional>
#include <memory>

#include "backends/backend.h"

namespace alx {

// Work that queues the same each time, but for the step: a device that can records it in its second
// run (the first may still choose its kernels) and replays it from the third on.
class Repeated {
 public:
  // `device`: the one that does it all; null: there are several.
  template <class Work>
  void run(Backend* device, const Work& work) {
    if (device && runs_ == 1) recording_ = device->record(std::cref(work));
    recording_ ? recording_->replay() : work();
    ++runs_;
  }
  void forget() {
    recording_.reset();
    runs_ = 0;
  }

 private:
  std::unique_ptr<Recording> recording_;
  int64_t runs_ = 0;
};

}  // namespace alx
