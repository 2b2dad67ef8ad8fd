#include "core/workers.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "core/first_error.h"
#include "core/float_mode.h"
#include "core/process.h"
#include "core/processors.h"
#include "core/signals.h"
#include "core/sleepers.h"
#include "core/within_part.h"

namespace alx {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::microseconds(50);

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// Looks for a while before it sleeps.
template <class Done>
void wait(Sleepers& sleepers, const Done& done) {
  for (const auto end = Clock::now() + patience; Clock::now() < end;)
    for (int i = 0; i < 64; ++i, pause())
      if (done()) return;
  sleepers.sleep_until(done);
}

// One loop at a time. Both words hold the loop's number above and a count below, so that nobody
// takes a part, or a seat, of another loop than the one he read about.
struct alignas(64) Place {
  std::atomic<bool> taken{false};
  std::atomic<uint64_t> unclaimed{0}, seats{0};
  std::atomic<void (*)(void*, int64_t)> run{nullptr};
  std::atomic<void*> task{nullptr};
  std::atomic<uint32_t> parts{0}, left{0};
  Sleepers caller;
  FirstError error;

  static uint32_t count(uint64_t word) { return static_cast<uint32_t>(word); }
  static uint32_t number(uint64_t word) { return static_cast<uint32_t>(word >> 32); }

  void publish(uint32_t count, Loop loop, int helpers) {
    run = loop.run, task = loop.task, parts = count, left = count;
    const uint64_t next = (uint64_t{number(unclaimed)} + 1) << 32;
    unclaimed = next | count;
    seats = next | static_cast<uint32_t>(helpers);
  }

  void take_parts(uint32_t of_loop) {
    for (uint64_t word = unclaimed; number(word) == of_loop && count(word) > 0; word = unclaimed) {
      const Loop loop{run, task};
      const uint32_t part = parts - count(word);
      if (!unclaimed.compare_exchange_weak(word, word - 1)) continue;
      error.keep([&] { loop.run(loop.task, part); });
      if (--left == 0) caller.wake_all();
    }
  }

  void help() {
    for (uint64_t word = seats; count(word) > 0;)
      if (seats.compare_exchange_weak(word, word - 1)) return take_parts(number(word));
  }
};

class Team {
 public:
  Team() = default;
  ~Team() {
    stop_ = true;
    sleepers_.wake_all();
    for (std::thread& thread : threads_) thread.join();
  }
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  // Not so in a child of fork(), which has the object but not the threads: it may not be ended.
  bool is_ours() const { return process_ == process_id(); }

  void run(uint32_t parts, int threads, Loop loop) {
    const int helpers = grow(std::min<int64_t>(threads, parts) - 1);
    const auto free =
        std::ranges::find_if(places_, [](Place& p) { return !p.taken.exchange(true); });
    if (helpers == 0 || free == places_.end()) {
      if (free != places_.end()) free->taken = false;
      return loop.run_all(parts);
    }
    free->publish(parts, loop, helpers);
    ++news_;
    sleepers_.wake(helpers);
    free->take_parts(Place::number(free->unclaimed));
    wait(free->caller, [&] { return free->left == 0; });
    const std::exception_ptr error = free->error.take();
    free->taken = false;
    if (error) std::rethrow_exception(error);
  }

 private:
  // Makes threads until there are so many; how many of them there are.
  int grow(int64_t wanted) {
    if (made_ >= wanted) return static_cast<int>(wanted);
    const std::lock_guard lock(mutex_);
    if (Clock::now() < retry_) return made_;
    try {
      const NoSignals quiet;
      for (; made_ < wanted; ++made_) threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {  // the system has no thread for us now
      retry_ = Clock::now() + std::chrono::seconds(1);
    }
    return made_;
  }

  void work() {
    const FloatMode mode;
    const WithinPart within;
    while (!stop_) {
      const uint32_t seen = news_;
      for (Place& place : places_) place.help();
      wait(sleepers_, [&] { return stop_ || news_ != seen; });
    }
  }

  const int64_t process_ = process_id();
  std::array<Place, 32> places_;  // as many loops run at once; others go without help
  std::atomic<uint32_t> news_{0};
  std::atomic<int> made_{0};
  std::atomic<bool> stop_{false};
  Sleepers sleepers_;
  std::mutex mutex_;
  std::vector<std::thread> threads_;
  Clock::time_point retry_{};
};

// The team of this process, for as long as somebody has it.
std::shared_ptr<Team> shared_team() {
  static std::mutex& mutex = *new std::mutex;
  static std::weak_ptr<Team>& shared = *new std::weak_ptr<Team>;
  const std::lock_guard lock(mutex);
  std::shared_ptr<Team> team = shared.lock();
  if (!team || !team->is_ours()) {
    team = {new Team, [](Team* ended) {
              if (ended->is_ours()) delete ended;
            }};
    shared = team;
  }
  return team;
}

class Workers final : public ParallelLoop {
 public:
  explicit Workers(int threads) : threads_(threads), team_(shared_team()) {}
  int threads() const override { return threads_; }

 protected:
  void run(int64_t parts, Loop loop) const override {
    const std::shared_ptr<Team> team = within_part || threads_ == 1 ? nullptr : this->team();
    if (team) {
      const WithinPart within;
      return team->run(static_cast<uint32_t>(parts), threads_, loop);
    }
    loop.run_all(parts);
  }

 private:
  // In a child of fork() one of its own.
  std::shared_ptr<Team> team() const {
    if (team_->is_ours()) return team_;
    const std::lock_guard lock(mutex_);
    if (!childs_ || !childs_->is_ours()) childs_ = shared_team();
    return childs_;
  }

  const int threads_;
  const std::shared_ptr<Team> team_;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<Team> childs_;
};

}  // namespace

std::shared_ptr<const ParallelLoop> make_workers(int threads) {
  return std::make_shared<Workers>(threads > 0 ? threads : usable_threads().count);
}

}  // namespace alx
