// Many pictures through networks: order, faults, memory, and answers that depend on nothing else.
#include "network/answer_pictures.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <set>
#include <thread>

#include "core/workers.h"
#include "models/zoo.h"
#include "refusal.h"

namespace alx {
namespace {

Image picture(int64_t seed, int64_t width = 40, int64_t height = 36) {
  Image image = black_image(width, height);
  for (size_t i = 0; i < image.pixels.size(); ++i)
    image.pixels[i] = static_cast<uint8_t>((i * 7 + i / 97 * 31) * static_cast<size_t>(seed + 1));
  return image;
}

// Every fifth one is broken.
Pictures pictures(int64_t count) {
  return {count, [](int64_t i, Image& scratch) -> const Image& {
            if (i % 5 == 3) fail(Code::bad_file, "picture ", i, " is broken");
            return scratch = picture(i);
          }};
}

class Answering : public testing::Test {
 protected:
  static std::unique_ptr<Session> session(int64_t batch, int threads, uint64_t seed = 1) {
    SessionOptions options;
    options.batch = batch;
    options.threads = threads;
    options.outputs = {"fc5", "pool2"};
    return std::make_unique<Session>(Model::of(make_model("alexnet-cifar10"), random_weights(seed)),
                                     options);
  }
};

struct Seen {
  std::vector<int64_t> pictures, broken;
  std::vector<float> values;  // probabilities, then layers
  bool operator==(const Seen&) const = default;
};

Seen seen(const std::vector<Session*>& sessions, Pictures pictures, const AnswerOptions& wanted,
          int readers) {
  Seen all;
  AnswerWatch watch;
  watch.on_answer = [&](int64_t i, const Answer& answer) {
    all.pictures.push_back(i);
    all.values.insert(all.values.end(), answer.probabilities.begin(), answer.probabilities.end());
    for (const auto& layer : answer.layers)
      all.values.insert(all.values.end(), layer.begin(), layer.end());
  };
  watch.on_broken = [&](int64_t i, const Error& why) {
    all.broken.push_back(i);
    EXPECT_TRUE(has(why.what(), cat("picture ", i, " is broken")));
  };
  answer_pictures(sessions, std::move(pictures), wanted, watch, readers);
  return all;
}

TEST_F(Answering, IsTheSameForAnyBatchAndThreads) {
  for (const int crops : {1, 10}) {
    const AnswerOptions wanted{.crops = crops, .layers = {"fc5", "pool2"}};
    const auto one = session(1, 1);
    const Seen expected = seen({one.get()}, pictures(23), wanted, 0);
    ASSERT_EQ(expected.broken, (std::vector<int64_t>{3, 8, 13, 18}));
    ASSERT_EQ(expected.pictures.size(), 19u);
    for (const auto& [batch, threads] : {std::pair{1, 3}, {4, 1}, {7, 2}, {64, 3}})
      for (const int readers : {0, 1, 3}) {
        EXPECT_TRUE(seen({session(batch, threads).get()}, pictures(23), wanted, readers) ==
                    expected)
            << crops << " crops, batch " << batch << ", readers " << readers;
      }
  }
}

TEST_F(Answering, IsWhatOnePictureAloneGives) {
  const auto many = session(8, 2), one = session(1, 1);
  AnswerWatch watch;
  watch.on_answer = [&](int64_t i, const Answer& answer) {
    EXPECT_EQ(std::vector(answer.probabilities.begin(), answer.probabilities.end()),
              one->classify({picture(i)}, 10));
  };
  answer_pictures({many.get()}, pictures(12), {.crops = 10}, watch);
  AnswerWatch features;
  features.on_answer = [&](int64_t i, const Answer& answer) {
    EXPECT_EQ(std::vector(answer.layers[0].begin(), answer.layers[0].end()),
              one->features({picture(i)}, "fc5"));
  };
  answer_pictures({many.get()}, pictures(12), {.layers = {"fc5"}}, features);
}

TEST_F(Answering, OfTensorsAndOfTenCropsGivesLayersInOnePass) {
  const auto both = session(4, 1);
  const std::vector<float> input = prepare(both->model(), picture(2), 10);
  const Answers crops = both->answer(input, {.layers = {"fc5"}}),
                mean = both->answer(input, {.crops = 10, .layers = {"fc5"}});
  const size_t row = mean.layers[0].size();
  ASSERT_EQ(crops.layers[0].size(), 10 * row);
  for (size_t i = 0; i < row; ++i) {
    double sum = 0;
    for (size_t crop = 0; crop < 10; ++crop) sum += crops.layers[0][crop * row + i];
    EXPECT_EQ(mean.layers[0][i], static_cast<float>(sum / 10));
  }
  EXPECT_EQ(mean.probabilities, both->classify({picture(2)}, 10));
  EXPECT_TRUE(has(error_of([&] { both->answer(std::span(input).first(5)); }), "no whole count"));
}

TEST_F(Answering, SeveralNetworksGiveTheirMean) {
  const auto a = session(4, 1), b = session(3, 1, 2);
  AnswerWatch watch;
  watch.on_answer = [&](int64_t i, const Answer& answer) {
    const std::vector<float> one = a->classify({picture(i)}), other = b->classify({picture(i)});
    for (size_t c = 0; c < one.size(); ++c)
      EXPECT_EQ(answer.probabilities[c], (one[c] + other[c]) / 2);
  };
  answer_pictures({a.get(), b.get()}, pictures(9), {}, watch);
}

TEST_F(Answering, ReadsEachPictureOnceAndNotFarAhead) {
  const auto two = session(2, 1);
  std::mutex mutex;
  std::multiset<int64_t> read;
  std::atomic<int64_t> answered = 0, furthest = 0;
  AnswerWatch watch;
  watch.on_answer = [&](int64_t i, const Answer&) { answered = i + 1; };
  const Pictures slow{40, [&](int64_t i, Image& scratch) -> const Image& {
                        const std::lock_guard lock(mutex);
                        read.insert(i);
                        furthest = std::max<int64_t>(furthest, i - answered);
                        return scratch = picture(i);
                      }};
  answer_pictures({two.get()}, slow, {}, watch, 3);
  EXPECT_EQ(read.size(), 40u);
  EXPECT_EQ(std::set<int64_t>(read.begin(), read.end()).size(), 40u);
  EXPECT_LE(furthest, 6);  // two batches that wait, one that is computed
}

TEST_F(Answering, WhatIsNoFaultOfAPictureEndsIt) {
  for (const int readers : {0, 2}) {
    const auto two = session(2, 1);
    const Pictures fatal{9, [](int64_t i, Image& scratch) -> const Image& {
                           if (i == 5) fail(Code::out_of_memory, "no memory for ", i);
                           return scratch = picture(i);
                         }};
    int64_t answered = 0;
    AnswerWatch watch;
    watch.on_answer = [&](int64_t, const Answer&) { ++answered; };
    EXPECT_TRUE(has(error_of([&] { answer_pictures({two.get()}, fatal, {}, watch, readers); },
                             Code::out_of_memory),
                    "no memory for 5"));
    EXPECT_LE(answered, 4);
    watch.after_batch = [](int64_t done) { fail(Code::cancelled, "after ", done); };
    EXPECT_TRUE(has(error_of([&] { answer_pictures({two.get()}, pictures(9), {}, watch, readers); },
                             Code::cancelled),
                    "after 2"));
  }
}

// Prepared pictures that are not made smaller: two of them are more than may wait.
TEST(PictureStream, LargePicturesWaitOneByOne) {
  InputSpec input;
  input.height = input.width = 8;
  input.resize = InputSpec::Resize::none;
  const Preprocessor preprocessor(input);
  for (const int readers : {0, 1, 3}) {
    std::atomic<int> alive = 0, most = 0;
    const Pictures large{6, [&](int64_t, Image& scratch) -> const Image& {
                           most = std::max<int>(most, ++alive);
                           return scratch = black_image(4000, 4000);  // 48 MB
                         }};
    PictureStream stream(large, {&preprocessor}, 6, readers, make_workers(1));
    int64_t taken = 0;
    while (taken < 6) {
      const auto some = stream.next(6);
      ASSERT_FALSE(some.empty());
      taken += static_cast<int64_t>(some.size());
      alive -= static_cast<int>(some.size());
    }
    EXPECT_TRUE(stream.next(6).empty());
    EXPECT_LE(most, 2 + readers);
  }
}

}  // namespace
}  // namespace alx
