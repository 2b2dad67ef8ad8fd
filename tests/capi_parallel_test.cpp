// Sessions and trainers on threads of the program's own.
#include <gtest/gtest.h>

#include <alexnet/alexnet.hpp>
#include <atomic>
#include <cfenv>
#include <stdexcept>
#include <thread>
#include <vector>

#include "capi_status.h"

namespace {

// A thread for each part, and what was asked of it.
struct Pool {
  std::atomic<int> calls{0};
  std::atomic<int64_t> most{0};
  std::atomic<int> lost_modes{0};

  static void ALEXNET_CALL run(void* user_data, int64_t parts, alexnet_part_function part,
                               void* task) {
    Pool& pool = *static_cast<Pool*>(user_data);
    ++pool.calls;
    if (parts > pool.most) pool.most = parts;
    std::vector<std::thread> threads;
    for (int64_t i = 0; i < parts; ++i)
      threads.emplace_back([&, i] {
        std::fesetround(FE_UPWARD);
        part(task, i);
        if (std::fegetround() != FE_UPWARD) ++pool.lost_modes;
      });
    for (std::thread& thread : threads) thread.join();
  }
};

class CapiParallel : public testing::Test {
 protected:
  void SetUp() override {
    if (alexnet::build_info().find("ONEDNN") == std::string::npos)
      GTEST_SKIP() << "plain loops compute on one thread";
  }
  void use_pool(int32_t most_at_once) {
    ASSERT_EQ(alexnet_context_set_parallel_for(context_.get(), Pool::run, &pool_, most_at_once),
              ALEXNET_OK);
  }
  alexnet::Session session(int32_t threads = 0, int64_t batch = 4) const {
    alexnet::SessionOptions options;
    options.threads = threads;
    options.batch = batch;
    return alexnet::Session(model_, options);
  }
  static std::vector<float> answer(alexnet::Session& session) {
    const std::vector<alexnet::Image> images(pictures());
    std::vector<float> all;
    const alexnet::Result result = session.classify(images);
    for (int64_t i = 0; i < result.count(); ++i)
      for (const float value : result.probabilities(i)) all.push_back(value);
    return all;
  }
  static std::vector<alexnet::Image> pictures() {
    std::vector<alexnet::Image> images;
    for (size_t seed = 0; seed < 6; ++seed) {
      std::vector<uint8_t> pixels(40 * 48 * 3);
      for (size_t i = 0; i < pixels.size(); ++i)
        pixels[i] = static_cast<uint8_t>((i * 7 + i / 97 * 31) * (seed + 1));
      images.push_back(alexnet::Image::from_pixels(pixels, 40, 48));
    }
    return images;
  }
  alexnet::Context context_;
  const alexnet::Model model_{context_};
  Pool pool_;
};

TEST_F(CapiParallel, AnswersAsOnTheLibrarysThreads) {
  alexnet::Session own = session(3);
  const std::vector<float> expected = answer(own);
  for (const int32_t most : {2, 3, 16}) {
    use_pool(most);
    alexnet::Session its = session();
    EXPECT_EQ(answer(its), expected);
  }
  EXPECT_GT(pool_.calls, 0);
  EXPECT_EQ(pool_.lost_modes, 0);
  const int calls = pool_.calls;
  EXPECT_EQ(answer(own), expected);  // what was made before keeps its threads
  EXPECT_EQ(pool_.calls, calls);
}

TEST_F(CapiParallel, TrainsToTheSameWeights) {
  alexnet::Dataset data = alexnet::Dataset::in_memory({"dark", "bright"});
  int number = 0;
  for (const alexnet::Image& image : pictures()) data.add(image, number++ % 2);
  const auto trained = [&](int32_t threads) {
    alexnet::TrainOptions options;
    options.input_size = 12;
    options.epochs = 3;
    options.batch = 3;
    options.learning_rate = 0.01;
    options.threads = threads;
    alexnet::Trainer trainer(context_, "alexnet-cifar10", data, options);
    EXPECT_TRUE(trainer.run());
    alexnet::Session session(trainer.model(), alexnet::SessionOptions{});
    return answer(session);
  };
  const std::vector<float> expected = trained(2);
  use_pool(3);
  EXPECT_EQ(trained(0), expected);
  EXPECT_GT(pool_.calls, 0);
}

TEST_F(CapiParallel, AsksForNoMoreThanEitherLimit) {
  use_pool(3);
  alexnet::Session wide = session();
  answer(wide);
  EXPECT_EQ(pool_.most, 3);
  alexnet::Session beyond = session(8);
  answer(beyond);
  EXPECT_EQ(pool_.most, 3);
  pool_.most = 0;
  alexnet::Session narrow = session(2);
  answer(narrow);
  EXPECT_EQ(pool_.most, 2);
  context_.set_threads(2);
  alexnet::Session of_context = session();
  answer(of_context);
  EXPECT_EQ(pool_.most, 2);
  const int calls = pool_.calls;
  alexnet::Session alone = session(1);
  answer(alone);
  context_.set_threads(0);
  use_pool(1);
  alexnet::Session alone_too = session();
  answer(alone_too);
  EXPECT_EQ(pool_.calls, calls);
}

TEST_F(CapiParallel, NullGivesTheLibrarysThreadsBack) {
  use_pool(2);
  ASSERT_EQ(alexnet_context_set_parallel_for(context_.get(), nullptr, nullptr, -1), ALEXNET_OK);
  alexnet::Session own = session(2);
  answer(own);
  EXPECT_EQ(pool_.calls, 0);
}

TEST_F(CapiParallel, TakesTheMemoryThatThePlanSaid) {
  use_pool(3);
  alexnet::SessionOptions options;
  options.batch = 4;
  const int64_t plan = alexnet::Session::plan_memory(model_, options).total;
  alexnet::Session its = session();
  answer(its);
  EXPECT_EQ(plan, its.memory().total);
  EXPECT_EQ(plan, context_.memory_in_use());
}

// Whatever mode the thread has that calls.
TEST_F(CapiParallel, ComputesInTheDefaultModeOnTheCallersThread) {
  alexnet::Session own = session(1);
  const std::vector<float> expected = answer(own);
  use_pool(2);
  std::fesetround(FE_UPWARD);
  const std::vector<float> upward = answer(own);
  alexnet::Session its = session();
  const std::vector<float> of_pool = answer(its);
  EXPECT_EQ(std::fegetround(), FE_UPWARD);
  std::fesetround(FE_TONEAREST);
  EXPECT_EQ(upward, expected);
  EXPECT_EQ(of_pool, expected);
}

TEST_F(CapiParallel, SaysSoWherePartsWereLeftOut) {
  alexnet::Session own = session(2);
  const std::vector<float> expected = answer(own);
  std::atomic<int> fault{0};
  const auto faulty = [&](int64_t parts, alexnet::RunPart run) {
    if (fault == 1) return;
    for (int64_t part = 0; part < parts; ++part) {
      if (fault == 2 && part == 1) throw std::runtime_error("mine");
      run(part);
    }
    if (fault == 3) run(0);
  };
  context_.set_parallel_for(faulty, 2);
  alexnet::Session its = session();
  for (int round = 0; round < 2; ++round) {
    for (const char* text : {"0 of 2 parts", "1 of 2 parts", "ran part 0 twice"}) {
      ++fault;
      EXPECT_EQ(status_of([&] { answer(its); }, text), ALEXNET_ERROR_INVALID_STATE);
    }
    fault = 0;
    EXPECT_EQ(answer(its), expected);
  }
}

TEST_F(CapiParallel, IsACallback) {
  std::atomic<int> refused{0}, other{0};
  context_.set_parallel_for(
      [&](int64_t parts, alexnet::RunPart run) {
        int64_t count = 0;
        ++(alexnet_network_count(&count) == ALEXNET_ERROR_INVALID_STATE ? refused : other);
        for (int64_t part = 0; part < parts; ++part) run(part);
      },
      2);
  alexnet::Session its = session();
  answer(its);
  EXPECT_GT(refused, 0);
  EXPECT_EQ(other, 0);
}

TEST_F(CapiParallel, ServesSeveralSessionsAtOnce) {
  alexnet::Session own = session(2);
  const std::vector<float> expected = answer(own);
  use_pool(2);
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      alexnet::Session its = session();
      for (int round = 0; round < 3; ++round) EXPECT_EQ(answer(its), expected);
    });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
