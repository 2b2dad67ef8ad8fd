// Threads asleep until something holds. std::atomic's own wait() is not used: where a system has no
// futex, GCC 12's loses wake-ups (it looks at the value before it takes the lock it sleeps with).
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>

namespace alx {

class Sleepers {
 public:
  // Sleeps until done(), which reads sequentially consistent atomics.
  template <class Done>
  void sleep_until(const Done& done) {
    ++count_;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, done);
    }
    --count_;
  }

  // After a change to what they wait for: wakes at most so many. Little more than one load where
  // nobody sleeps.
  void wake(int most) {
    const int count = count_;
    if (count == 0) return;
    { const std::lock_guard lock(mutex_); }  // who found nothing done is asleep now, not on the way
    if (most >= count) return changed_.notify_all();
    for (; most > 0; --most) changed_.notify_one();
  }
  void wake_all() { wake(count_); }

 private:
  std::atomic<int> count_{0};
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace alx
