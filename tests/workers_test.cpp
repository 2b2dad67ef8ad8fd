// The threads that loops share.
#include "core/workers.h"

#include <gtest/gtest.h>

#ifdef __linux__
#include <dlfcn.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include <atomic>
#include <cerrno>
#include <cfenv>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "core/float_mode.h"

#if defined(__linux__) && !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define CAN_REFUSE_THREADS
namespace {
std::atomic<bool> refuse_threads{false};
}
// Stands before the system's.
extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*start)(void*), void* argument) noexcept {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto real = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return refuse_threads ? EAGAIN : real(thread, attributes, start, argument);
}
#endif

namespace alx {
namespace {

TEST(Workers, DoEachPartOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    const auto loop = make_workers(threads);
    EXPECT_EQ(loop->threads(), threads);
    for (const int64_t parts : {0, 1, 2, 7, 1000}) {
      std::vector<std::atomic<int>> done(static_cast<size_t>(parts));
      (*loop)(parts, [&](int64_t part) { ++done[static_cast<size_t>(part)]; });
      for (const auto& count : done) EXPECT_EQ(count, 1);
    }
  }
}

TEST(Workers, RunLoopsWithinPartsInline) {
  const auto loop = make_workers(4);
  std::atomic<int> done{0};
  (*loop)(8, [&](int64_t) {
    const auto own = std::this_thread::get_id();
    (*loop)(5, [&](int64_t) {
      EXPECT_EQ(std::this_thread::get_id(), own);
      ++done;
    });
  });
  EXPECT_EQ(done, 40);
}

// Parts around the time after which threads sleep, so that wake-ups meet threads on their way to
// it.
TEST(Workers, LoseNoWakeUp) {
  const auto loop = make_workers(3);
  for (int round = 0; round < 3000; ++round) {
    std::atomic<int> done{0};
    (*loop)(3, [&](int64_t part) {
      const auto end = std::chrono::steady_clock::now() +
                       std::chrono::microseconds(part == 0 ? 5 : 50 + round % 20);
      while (std::chrono::steady_clock::now() < end)
        ;
      ++done;
    });
    ASSERT_EQ(done, 3);
  }
}

TEST(Workers, ThrowWhatAPartThrew) {
  const auto loop = make_workers(3);
  for (int round = 0; round < 100; ++round) {
    EXPECT_THROW((*loop)(9,
                         [](int64_t part) {
                           if (part == 4) throw std::runtime_error("four");
                         }),
                 std::runtime_error);
    std::atomic<int> done{0};
    (*loop)(9, [&](int64_t) { ++done; });
    EXPECT_EQ(done, 9);
  }
}

TEST(Workers, ServeManyCallersAtOnce) {
  std::atomic<int64_t> sum{0};
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 40; ++caller)  // more than there are places for
    callers.emplace_back([&] {
      const auto loop = make_workers(3);
      for (int i = 0; i < 200; ++i) (*loop)(5, [&](int64_t part) { sum += part; });
    });
  for (std::thread& caller : callers) caller.join();
  EXPECT_EQ(sum, 40 * 200 * 10);
}

// A thread that is kept from running holds nobody up: here the others do every part but its one.
TEST(Workers, TakePartsFromThoseThatDoNotCome) {
  const auto loop = make_workers(2);
  std::atomic<int> done{0};
  const auto slow = [&](int64_t part) {
    if (part == 0) {
      const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
      while (done < 99 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    }
    ++done;
  };
  (*loop)(100, slow);
  EXPECT_EQ(done, 100);
}

TEST(Workers, NoMoreThreadsThanAskedForWorkOnALoop) {
  const auto wide = make_workers(8), narrow = make_workers(2);
  std::atomic<int> now{0}, most{0};
  const auto part = [&](int64_t) {
    const int running = ++now;
    for (int seen = most; running > seen && !most.compare_exchange_weak(seen, running);) {
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    --now;
  };
  (*wide)(40, part);
  EXPECT_LE(most, 8);
  most = 0;
  (*narrow)(40, part);
  EXPECT_LE(most, 2);
}

#ifdef CAN_REFUSE_THREADS
TEST(Workers, AThreadThatCannotBeMadeCostsNothingButSpeed) {
  refuse_threads = true;
  const auto loop = make_workers(4);
  std::atomic<int> done{0};
  (*loop)(20, [&](int64_t) { ++done; });
  refuse_threads = false;
  EXPECT_EQ(done, 20);
}

#ifdef __x86_64__  // qemu cannot start threads in a child
TEST(Workers, AChildOfForkHasNewOnes) {
  const auto loop = make_workers(3);
  std::atomic<int> done{0};
  const auto count = [&](int64_t) {
    ++done;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  (*loop)(30, count);
  const pid_t child = fork();
  if (child == 0) {
    alarm(30);
    done = 0;
    std::set<std::thread::id> ids;
    std::mutex mutex;
    (*loop)(60, [&](int64_t part) {
      count(part);
      const std::lock_guard lock(mutex);
      ids.insert(std::this_thread::get_id());
    });
    _exit(done == 60 && ids.size() > 1 ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  (*loop)(30, count);
  EXPECT_EQ(done, 60);
}
#endif
#endif

TEST(Workers, ComputeInTheirOwnFloatingPointMode) {
  std::fesetround(FE_UPWARD);
  const auto loop = make_workers(3);
  std::atomic<int> upward{0};
  const auto caller = std::this_thread::get_id();
  (*loop)(50, [&](int64_t) {
    if (std::this_thread::get_id() != caller && std::fegetround() != FE_TONEAREST) ++upward;
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  });
  EXPECT_EQ(upward, 0);
  {
    const FloatMode mode;
    EXPECT_EQ(std::fegetround(), FE_TONEAREST);
  }
  EXPECT_EQ(std::fegetround(), FE_UPWARD);
  std::fesetround(FE_TONEAREST);
}

}  // namespace
}  // namespace alx
