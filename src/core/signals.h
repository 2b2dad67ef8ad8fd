// Signals belong to the host program.
#pragma once
#include <memory>

namespace alx {

// While it lives, this thread takes no signal but those that its own instructions raise, and
// neither does a thread that it starts, ever: the host's handlers run on the host's threads.
class NoSignals {
 public:
  NoSignals();
  ~NoSignals();
  NoSignals(const NoSignals&) = delete;
  NoSignals& operator=(const NoSignals&) = delete;

 private:
  struct Mask;
  std::unique_ptr<Mask> before_;
};

}  // namespace alx
