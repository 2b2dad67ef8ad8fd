// Loops on threads of the program's own, and what becomes of a pool that breaks its promise.
#include "core/host_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cfenv>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/error.h"

namespace alx {
namespace {

// A thread for each part.
void on_threads(int64_t parts, Loop loop) {
  std::vector<std::thread> threads;
  for (int64_t part = 1; part < parts; ++part)
    threads.emplace_back([=] { loop.run(loop.task, part); });
  loop.run(loop.task, 0);
  for (std::thread& thread : threads) thread.join();
}

TEST(HostLoop, DoesEachPartOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    const auto loop = make_host_loop(on_threads, threads);
    EXPECT_EQ(loop->threads(), threads);
    for (const int64_t parts : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<size_t>(parts));
      (*loop)(parts, [&](int64_t part) { ++done[static_cast<size_t>(part)]; });
      for (const auto& count : done) EXPECT_EQ(count, 1);
    }
  }
}

TEST(HostLoop, AsksForNoMorePartsThanRunAtOnce) {
  std::vector<int64_t> asked;
  const auto note = [&](int64_t parts, Loop loop) {
    asked.push_back(parts);
    for (int64_t part = parts; part-- > 0;) loop.run(loop.task, part);
  };
  int64_t sum = 0;
  const auto add = [&](int64_t part) { sum += part; };
  (*make_host_loop(note, 4096))(5000, add);
  (*make_host_loop(note, 4))(3, add);
  (*make_host_loop(note, 4))(1, add);
  (*make_host_loop(note, 1))(100, add);
  EXPECT_EQ(asked, (std::vector<int64_t>{4096, 3}));
  EXPECT_EQ(sum, 5000 * 4999 / 2 + 3 + 0 + 100 * 99 / 2);
}

TEST(HostLoop, RunsLoopsWithinPartsInline) {
  std::atomic<int> asked{0}, done{0};
  const auto count = [&](int64_t parts, Loop loop) {
    ++asked;
    on_threads(parts, loop);
  };
  const auto loop = make_host_loop(count, 4);
  for (int round = 1; round <= 2; ++round) {
    (*loop)(8, [&](int64_t) {
      const auto own = std::this_thread::get_id();
      (*loop)(5, [&](int64_t) {
        EXPECT_EQ(std::this_thread::get_id(), own);
        ++done;
      });
    });
    EXPECT_EQ(done, 40 * round);
    EXPECT_EQ(asked, round);
  }
}

TEST(HostLoop, ThrowsWhatAPartThrewAndNotIntoThePool) {
  bool through = false;
  const auto watch = [&](int64_t parts, Loop loop) {
    try {
      on_threads(parts, loop);
    } catch (...) {
      through = true;
    }
  };
  const auto loop = make_host_loop(watch, 3);
  for (int round = 0; round < 50; ++round) {
    std::atomic<int> done{0};
    const auto part = [&](int64_t i) {
      ++done;
      if (i == 4) throw std::runtime_error("four");
    };
    EXPECT_THROW((*loop)(9, part), std::runtime_error);
    EXPECT_EQ(done, 9);
  }
  EXPECT_FALSE(through);
}

TEST(HostLoop, PartsComputeInTheLibrarysModeAndThreadsKeepTheirs) {
  std::atomic<int> upward{0}, lost{0};
  const auto in_another_mode = [&](int64_t parts, Loop loop) {
    std::vector<std::thread> threads;
    for (int64_t part = 0; part < parts; ++part)
      threads.emplace_back([&, part] {
        std::fesetround(FE_UPWARD);
        loop.run(loop.task, part);
        if (std::fegetround() != FE_UPWARD) ++lost;
      });
    for (std::thread& thread : threads) thread.join();
  };
  (*make_host_loop(in_another_mode, 3))(
      50, [&](int64_t) { upward += std::fegetround() != FE_TONEAREST; });
  EXPECT_EQ(upward, 0);
  EXPECT_EQ(lost, 0);
}

struct Fault {
  HostPool pool;
  std::string text;
};

TEST(HostLoop, TellsWhatThePoolDidWrong) {
  const Fault faults[] = {
      {[](int64_t, Loop) {}, "came back when 0 of 3 parts had run"},
      {[](int64_t, Loop loop) { loop.run(loop.task, 2); }, "came back when 1 of 3"},
      {[](int64_t, Loop) { throw std::runtime_error("full"); }, "threw an exception: full"},
      {[](int64_t, Loop) { throw 1; }, "threw what is no"},
      {[](int64_t parts, Loop loop) {
         on_threads(parts, loop);
         throw std::runtime_error("late");
       },
       "threw an exception: late"},
      {[](int64_t parts, Loop loop) {
         on_threads(parts, loop);
         loop.run(loop.task, 1);
       },
       "ran part 1 twice"},
      {[](int64_t parts, Loop loop) { on_threads(parts + 1, loop); }, "3 parts and ran part 3"},
      {[](int64_t parts, Loop loop) {
         loop.run(loop.task, -1);
         on_threads(parts, loop);
       },
       "ran part -1"},
  };
  for (const Fault& fault : faults) {
    std::vector<std::atomic<int>> done(7);
    try {
      (*make_host_loop(fault.pool, 3))(7, [&](int64_t i) { ++done[static_cast<size_t>(i)]; });
      ADD_FAILURE() << fault.text;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), Code::invalid_state);
      EXPECT_NE(std::string(error.what()).find(fault.text), std::string::npos) << error.what();
    }
    for (const auto& count : done) EXPECT_LE(count, 1);
  }
}

// Parts that are at work when the pool comes back end before the loop does, and those that come
// later find nothing.
TEST(HostLoop, OutlivesPartsThatComeTooLate) {
  std::vector<std::thread> threads;
  std::function<void()> later;
  std::atomic<int> begun{0}, working{0};
  const auto hasty = [&](int64_t, Loop loop) {
    threads.emplace_back([=] { loop.run(loop.task, 0); });
    while (begun == 0) std::this_thread::yield();
    later = [=] { loop.run(loop.task, 1); };
  };
  const auto part = [&](int64_t) {
    ++begun, ++working;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    --working;
  };
  EXPECT_THROW((*make_host_loop(hasty, 2))(4, part), Error);
  EXPECT_EQ(working, 0);
  const int then = begun;
  later();
  EXPECT_EQ(begun, then);
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace alx
