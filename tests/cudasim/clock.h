// Vector clocks: who has seen how much of whom.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace alx::cudasim {

// Of the host (0) and of each stream: how many of its operations are known to be done.
class Clock {
 public:
  uint64_t at(size_t who) const { return who < times_.size() ? times_[who] : 0; }
  bool knows(const Clock& other) const {  // joining it would change nothing
    for (size_t i = 0; i < other.times_.size(); ++i)
      if (at(i) < other.times_[i]) return false;
    return true;
  }
  void tick(size_t who) {
    if (who >= times_.size()) times_.resize(who + 1);
    ++times_[who];
  }
  void join(const Clock& other) {
    if (other.times_.size() > times_.size()) times_.resize(other.times_.size());
    for (size_t i = 0; i < other.times_.size(); ++i)
      times_[i] = std::max(times_[i], other.times_[i]);
  }

 private:
  std::vector<uint64_t> times_;
};

}  // namespace alx::cudasim
