#include "core/host_loop.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <exception>
#include <new>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/first_error.h"
#include "core/float_mode.h"
#include "core/sleepers.h"
#include "core/within_part.h"

namespace alx {
namespace {

constexpr int most_threads = 4096;

// One loop. What the pool calls its parts are seats here: who has one takes parts of the loop until
// none are left, so a thread of the pool that comes late delays nothing.
class Round {
 public:
  Round(int64_t parts, int64_t seats, Loop loop) : parts_(parts), seats_(seats), loop_(loop) {}

  // What the pool calls.
  static void seat(void* round, int64_t index) noexcept { static_cast<Round*>(round)->sit(index); }

  int64_t done() const { return done_; }
  bool complete() const { return done_ == seats_ && inside_ == 0; }

  // Of a round that the pool did not complete: from here on whoever comes finds nothing to do.
  // Comes back when nobody is at work any more. It stays for good, and known to leak checkers.
  void abandon() {
    static std::atomic<Round*> abandoned{nullptr};
    next_abandoned_ = abandoned.exchange(this);
    ended_ = true;
    left_.sleep_until([this] { return inside_ == 0; });
  }

  void rethrow() {
    if (const std::exception_ptr error = error_.take()) std::rethrow_exception(error);
  }

 private:
  void sit(int64_t index) noexcept {
    ++inside_;
    if (!ended_ && free_seat(index)) {
      const FloatMode mode;
      const WithinPart within;
      for (int64_t part = next_++; part < parts_; part = next_++)
        error_.keep([&] { loop_.run(loop_.task, part); });
      ++done_;
    }
    --inside_;
    if (ended_) left_.wake_all();  // only an abandoned round has, and nobody frees that
  }

  bool free_seat(int64_t index) noexcept {
    bool free = false;
    error_.keep([&] {
      check(index >= 0 && index < seats_, Code::invalid_state,
            "the program's parallel_for was given ", seats_, " parts and ran part ", index);
      const uint64_t bit = uint64_t{1} << index % 64;
      free = !(taken_[static_cast<size_t>(index / 64)].fetch_or(bit) & bit);
      check(free, Code::invalid_state, "the program's parallel_for ran part ", index, " twice");
    });
    return free;
  }

  const int64_t parts_, seats_;
  const Loop loop_;
  std::array<std::atomic<uint64_t>, most_threads / 64> taken_{};
  std::atomic<int64_t> next_{0}, done_{0}, inside_{0};
  std::atomic<bool> ended_{false};
  Sleepers left_;
  FirstError error_;  // no exception may reach the program's frames
  Round* next_abandoned_ = nullptr;
};

class HostLoop final : public ParallelLoop {
 public:
  HostLoop(HostPool pool, int threads) : pool_(std::move(pool)), threads_(threads) {}
  int threads() const override { return threads_; }

 protected:
  void run(int64_t parts, Loop loop) const override {
    const int64_t seats = std::min<int64_t>(parts, threads_);
    std::unique_ptr<Round> round;
    if (seats > 1 && !within_part) round.reset(new (std::nothrow) Round(parts, seats, loop));
    if (!round) return loop.run_all(parts);
    const std::string thrown = ask(seats, {&Round::seat, round.get()});
    if (!round->complete()) {
      const int64_t done = round->done();
      round.release()->abandon();  // the pool may still run the parts that it owes
      check(!thrown.empty(), Code::invalid_state, "the program's parallel_for came back when ",
            done, " of ", seats, " parts had run; it must run each of them before it returns");
    }
    check(thrown.empty(), Code::invalid_state, "the program's parallel_for ", thrown);
    round->rethrow();
  }

 private:
  // That it threw, in words; empty where it did not.
  std::string ask(int64_t seats, Loop loop) const {
    try {
      pool_(seats, loop);
      return "";
    } catch (const std::exception& error) {
      return cat("threw an exception: ", error.what());
    } catch (...) {
      return "threw what is no std::exception";
    }
  }

  const HostPool pool_;
  const int threads_;
};

}  // namespace

std::shared_ptr<const ParallelLoop> make_host_loop(HostPool pool, int threads) {
  return std::make_shared<HostLoop>(std::move(pool), std::clamp(threads, 1, most_threads));
}

}  // namespace alx
