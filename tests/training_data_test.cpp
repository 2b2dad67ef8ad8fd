// What a run begins with: what it tells of its pictures, what it splits off, and how classes count.
#include "train/training_data.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "colours.h"
#include "data/split.h"
#include "logged.h"
#include "network/named.h"
#include "refusal.h"
#include "train/overrides.h"

namespace alx {
namespace {

// Pictures of these classes; broken ones where a test says so.
class Labelled : public Dataset {
 public:
  explicit Labelled(std::vector<int64_t> labels, size_t classes = 3) : labels_(std::move(labels)) {
    for (size_t c = 0; c < classes; ++c) classes_.push_back(std::string(1, char('a' + c)));
  }
  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  int64_t label(int64_t i) const override { return labels_[static_cast<size_t>(i)]; }
  std::string name(int64_t i) const override { return cat("picture ", i); }
  Image image(int64_t i, int64_t) const override {
    inspect(i);
    return Colours(3).image(label(i) % 3, 0);
  }
  void inspect(int64_t i) const override {
    check(!broken.contains(i), Code::bad_file, name(i), " is broken");
  }
  std::set<int64_t> broken;

 private:
  std::vector<int64_t> labels_;
};

std::vector<int64_t> labels(std::initializer_list<std::pair<int64_t, int64_t>> counts) {
  std::vector<int64_t> labels;
  for (const auto& [label, count] : counts)
    labels.insert(labels.end(), static_cast<size_t>(count), label);
  return labels;
}

std::set<std::string> names_of(const Dataset& data) {
  std::set<std::string> names;
  for (int64_t i = 0; i < data.size(); ++i) names.insert(data.name(i));
  return names;
}

TEST(Split, TakesTheShareOfEachClass) {
  const auto data = std::make_shared<Labelled>(labels({{0, 40}, {1, 9}, {2, 2}}));
  const SplitSet split = split_set(data, 0.2, 7);
  EXPECT_EQ(pictures_by_class(*split.validation), (std::vector<int64_t>{8, 2, 1}));
  EXPECT_EQ(pictures_by_class(*split.training), (std::vector<int64_t>{32, 7, 1}));
  EXPECT_EQ(training_pictures(*data, 0.2), 40);
  EXPECT_EQ(training_pictures(*data, 0), 51);
  EXPECT_TRUE(split.undivided.empty());
  std::set<std::string> both = names_of(*split.training);
  both.merge(names_of(*split.validation));
  EXPECT_EQ(both, names_of(*data));
  EXPECT_EQ(split.training->classes(), data->classes());
  EXPECT_EQ(split.training->image(39).pixels, data->image(50, 0).pixels);
}

TEST(Split, GoesByTheSeed) {
  const auto data = std::make_shared<Labelled>(labels({{0, 40}, {1, 40}}));
  const auto taken = [&](uint64_t seed) {
    return names_of(*split_set(data, 0.1, seed).validation);
  };
  EXPECT_EQ(taken(1), taken(1));
  EXPECT_NE(taken(1), taken(2));
}

TEST(Split, LeavesTheOnlyPictureOfAClassToLearnFrom) {
  const auto data = std::make_shared<Labelled>(labels({{0, 10}, {1, 1}}));
  const SplitSet split = split_set(data, 0.5, 1);
  EXPECT_EQ(pictures_by_class(*split.training), (std::vector<int64_t>{5, 1, 0}));
  EXPECT_EQ(split.undivided, std::vector<std::string>{"b"});
  const auto single = std::make_shared<Labelled>(std::vector<int64_t>{0, 1, 2});
  EXPECT_TRUE(has(error_of([&] { split_set(single, 0.5, 1); }), "two pictures"));
}

class Tells : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / cat("alexnet_training_data_test_", ::getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  static NetSpec network(size_t classes) {
    return fitted(tiny(), {.classes = static_cast<int64_t>(classes)});
  }
  static std::string told(const std::shared_ptr<Labelled>& data, TrainOptions options,
                          size_t classes = 3) {
    const Logged log;
    const Trainer trainer(network(classes), data, options);
    return log.text();
  }
  fs::path folder_;
};

TEST_F(Tells, WhatTheDataAre) {
  const auto data = std::make_shared<Labelled>(labels({{0, 10}, {1, 4}, {2, 5}}));
  data->broken = {3, 4, 7, 12};
  TrainOptions options = quick_run();
  options.recipe.batch = 10;
  const std::string said = told(data, options);
  EXPECT_TRUE(has(said, "info: learning from 19 pictures of 3 classes, from 4 ('b') to 10 ('a')"))
      << said;
  EXPECT_TRUE(has(said, "info: an epoch takes 10 of the 19 pictures: the 9 over")) << said;
  EXPECT_TRUE(has(said,
                  "warning: 4 of the 19 pictures cannot be read, and will be skipped: "
                  "picture 3, picture 4, picture 7, ..."))
      << said;
  EXPECT_FALSE(has(said, "one class"));
}

TEST_F(Tells, OfWhatNoNetworkCanLearn) {
  TrainOptions options = quick_run();
  options.recipe.batch = 4;
  const std::string one = told(std::make_shared<Labelled>(labels({{0, 8}}), 1), options, 1);
  EXPECT_TRUE(has(one, "warning: all pictures are of one class, 'a'")) << one;
  EXPECT_FALSE(has(one, "an epoch takes")) << one;
  const std::string empty = told(std::make_shared<Labelled>(labels({{0, 4}, {2, 4}})), options);
  EXPECT_TRUE(has(empty, "warning: 1 class has no pictures, and will not be learned: b")) << empty;
}

TEST_F(Tells, OfARateThatDiverges) {
  TrainOptions options = quick_run();
  options.recipe.epochs = 20;
  options.augment = {.random_crop = false, .flip = false};
  const Logged log;
  {
    Trainer good(tiny(), std::make_shared<Colours>(96), options);
    while (!good.done()) good.step();
    EXPECT_FALSE(has(log.text(), "runs away")) << log.text();
  }
  options.recipe.rate = 3;
  Trainer wild(tiny(), std::make_shared<Colours>(96), options);
  std::string error;
  try {
    while (wild.steps_done() < 50) wild.step();
  } catch (const Error& thrown) {
    error = thrown.what();
  }
  EXPECT_TRUE(has(log.text() + error, "tenth of it, 0.3")) << log.text() << error;
}

TEST(RateWatching, TakesThreeStepsInARow) {
  const auto seen = [](std::vector<double> losses, int64_t classes = 10, int64_t from = 1) {
    RateWatch watch(classes);
    int64_t at = 0, times = 0;
    for (const double loss : losses)
      if (watch.runs_away(from++, loss)) at = from - 1, ++times;
    EXPECT_LE(times, 1);
    return at;
  };
  EXPECT_EQ(seen({2.3, 9, 30, 80, 200, 900, 9000}), 5);
  EXPECT_EQ(seen({2.3, 30, 2, 40, 50, 2, 3}), 0);
  EXPECT_EQ(seen({20, 50, 70, 60, 50}), 0);
  EXPECT_EQ(seen({0.01, 3, 3, 3, 3}, 2), 0);
  EXPECT_EQ(seen({0.01, 5, 5, 5}, 2), 4);
  EXPECT_EQ(seen({2.3, 90, 90, 90}, 10, 50), 0);  // too late
}

TEST_F(Tells, WhatIsSplitOff) {
  const auto data = std::make_shared<Labelled>(labels({{0, 20}, {1, 20}, {2, 1}}));
  TrainOptions options = quick_run();
  options.validation_share = 0.2;
  options.recipe.batch = 11;
  const std::string said = told(data, options);
  EXPECT_TRUE(has(said, "info: measured by 8 pictures, split off as a share of 0.2")) << said;
  EXPECT_TRUE(has(said, "learning from 33 pictures")) << said;
  EXPECT_TRUE(has(said, "warning: 1 class has one picture, too few to split")) << said;
  EXPECT_TRUE(has(said, "to be measured by: c")) << said;
  options.validation = data;
  EXPECT_TRUE(has(error_of([&] { told(data, options); }), "both are given"));
  options.validation = nullptr;
  for (const double wrong : {-0.1, 0.6, std::nan("")}) {
    options.validation_share = wrong;
    error_of([&] { told(data, options); });
  }
}

TEST_F(Tells, AShareGoesOnWithItsCheckpoint) {
  const auto data = std::make_shared<Colours>(96);
  TrainOptions options = quick_run();
  options.validation_share = 0.25;
  Trainer whole(tiny(), data, options);
  EXPECT_EQ(whole.data().size(), 72);
  while (!whole.done()) whole.step();
  whole.save_checkpoint(path("whole"));
  const double top1 = whole.validate().top1;
  Trainer first(tiny(), data, options);
  for (int i = 0; i < 3; ++i) first.step();
  first.save_checkpoint(path("stopped"));
  const auto second = Trainer::resume(path("stopped"), data, as_written());
  while (!second->done()) second->step();
  second->save_checkpoint(path("resumed"));
  EXPECT_EQ(bytes_of(path("whole")), bytes_of(path("resumed")));
  EXPECT_EQ(second->validate().top1, top1);
  EXPECT_EQ(second->options().validation->size(), 24);

  const Logged log;
  TrainOptions other = as_written();
  other.validation_share = 0.1;
  EXPECT_EQ(Trainer::resume(path("stopped"), data, other)->data().size(), 72);
  EXPECT_TRUE(has(log.text(), "goes on so, not by 0.1")) << log.text();
  other.validation_share = 0;
  other.validation = std::make_shared<Colours>(12);
  const auto given = Trainer::resume(path("stopped"), data, other);
  EXPECT_EQ(given->data().size(), 72);
  EXPECT_EQ(given->options().validation->size(), 12);
  EXPECT_TRUE(has(log.text(), "measured by the ones that are given")) << log.text();

  Trainer plain(tiny(), data, quick_run());
  plain.save_checkpoint(path("plain"));
  other.validation = nullptr;
  other.validation_share = 0.1;
  EXPECT_TRUE(has(error_of([&] { Trainer::resume(path("plain"), data, other); }),
                  "none can be split off any more"));
}

TEST(ClassWeights, AreBalanced) {
  const Labelled data(labels({{0, 6}, {1, 2}, {2, 4}}));
  EXPECT_EQ(balanced_weights(data), (std::vector<float>{12 / 18.f, 2, 1}));
  EXPECT_EQ(balanced_weights(Labelled(labels({{0, 6}, {2, 2}}))),
            (std::vector<float>{8 / 12.f, 1, 2}));
  EXPECT_TRUE(balances("balanced"));
  EXPECT_TRUE(has(error_of([] { balances("fair"); }), "none or balanced"));
}

TEST_F(Tells, OfClassesOfOneSizeWeightsChangeNothing) {
  const auto data = std::make_shared<Colours>(96);
  const auto trained = [&](bool balanced) {
    TrainOptions options = quick_run();
    options.balance_classes = balanced;
    Trainer trainer(tiny(), data, options);
    std::vector<double> losses;
    while (!trainer.done()) losses.push_back(trainer.step().loss);
    trainer.save_weights(path("weights.safetensors"));
    return std::pair(losses, bytes_of(path("weights.safetensors")));
  };
  EXPECT_EQ(trained(false), trained(true));
}

// The mean of torch.nn.CrossEntropyLoss(weight=...): sum of w l / sum of w.
TEST_F(Tells, TheLossCountsEachPictureByItsClass) {
  const auto data = std::make_shared<Labelled>(labels({{0, 12}, {1, 3}, {2, 1}}));
  TrainOptions options = quick_run();
  options.balance_classes = true;
  options.dropout = false;
  options.augment = {.random_crop = false, .flip = false};
  Trainer trainer(tiny(), data, options);
  const std::vector<float> weights = balanced_weights(*data);
  Session session(trainer.model(), {});
  double sum = 0, all = 0;
  for (int64_t i = 0; i < data->size(); ++i) {
    const auto label = static_cast<size_t>(data->label(i));
    const std::vector<float> answer = session.classify({data->image(i, 0)});
    sum -= weights[label] * std::log(answer[label]);
    all += weights[label];
  }
  EXPECT_NEAR(trainer.step().loss, sum / all, 1e-4);
  trainer.save_checkpoint(path("weighted"));
  const auto resumed = Trainer::resume(path("weighted"), data, as_written());
  EXPECT_TRUE(resumed->options().balance_classes);
  EXPECT_EQ(resumed->step().loss, trainer.step().loss);
}

// Each network's share of a batch is divided by the weights of the whole batch.
TEST_F(Tells, DevicesThatShareABatchWeighItAsOneWould) {
  const auto data = std::make_shared<Labelled>(labels({{0, 20}, {1, 9}, {2, 3}}));
  const auto trained = [&](const std::string& devices) {
    TrainOptions options = quick_run();
    options.balance_classes = true;
    options.label_smoothing = 0.1f;
    options.devices = devices;
    Trainer trainer(tiny(), data, options);
    std::vector<double> losses;
    while (!trainer.done()) losses.push_back(trainer.step().loss);
    return losses;
  };
  const std::vector<double> one = trained("cpu"), two = trained("cpu,cpu"),
                            plain = trained("reference,reference");
  ASSERT_EQ(one.size(), 4u);
  for (size_t i = 0; i < one.size(); ++i) {
    EXPECT_NEAR(one[i], two[i], 1e-4);
    EXPECT_NEAR(one[i], plain[i], 1e-4);
  }
}

}  // namespace
}  // namespace alx
