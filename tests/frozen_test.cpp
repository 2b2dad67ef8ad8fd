// Training of the last layer alone.
#include "train/frozen.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "colours.h"
#include "core/scratch_file.h"
#include "logged.h"
#include "refusal.h"
#include "train/overrides.h"
#include "train/run.h"

namespace alx {
namespace {

// Some of whose pictures are broken.
class Chipped : public Colours {
 public:
  Chipped(int64_t size, std::set<int64_t> broken) : Colours(size), broken_(std::move(broken)) {}
  Image image(int64_t i, int64_t at_least) const override {
    check(!broken_.contains(i), Code::bad_file, name(i), " is broken");
    ++decoded;
    return Colours::image(i, at_least);
  }
  mutable std::atomic<int> decoded = 0;

 private:
  std::set<int64_t> broken_;
};

class FrozenTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / cat("alexnet_frozen_test_", ::getpid());
    fs::create_directories(folder_);
    Trainer trainer(tiny(), data_, quick_run());
    for (int i = 0; i < 4; ++i) trainer.step();
    trainer.save_weights(path("start.safetensors"));
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  TrainOptions options() const {
    TrainOptions options = quick_run();
    options.init = path("start.safetensors");
    options.new_head = true;
    options.freeze = true;
    return options;
  }
  // The bytes of what a whole run gives, without what names the run's own choices.
  std::string weights_of(Trainer& trainer) const {
    while (!trainer.done()) trainer.step();
    trainer.save_weights(path("out.safetensors"));
    return bytes_of(path("out.safetensors"));
  }
  std::map<std::string, std::vector<float>> params(const std::string& file) const {
    const WeightFile opened = WeightFile::open(path(file));
    std::map<std::string, std::vector<float>> all;
    for (const TensorView& tensor : opened.tensors()) {
      all[tensor.name].resize(static_cast<size_t>(element_count(tensor.shape)));
      opened.read(tensor, all[tensor.name]);
    }
    return all;
  }

  std::shared_ptr<Chipped> data_ = std::make_shared<Chipped>(96, std::set<int64_t>{});
  fs::path folder_;
};

TEST_F(FrozenTest, CutsEveryNetworkBeforeItsLastLayer) {
  for (const std::string& name : model_names()) {
    const NetSpec spec = make_model(name);
    const CutNetwork cut = cut_at_head(spec);
    const Shape features = infer_shapes(cut.frozen, 2).at(cut.frozen.nodes.back().name);
    EXPECT_EQ(features[1], cut.head.input.channels) << name;
    EXPECT_EQ(infer_shapes(cut.head, 2).at(spec.logits), (Shape{2, spec.classes})) << name;
    EXPECT_EQ(params_of(cut.frozen).size() + params_of(cut.head).size(), params_of(spec).size());
    EXPECT_EQ(params_of(cut.head).size(), 2u) << name;
    EXPECT_EQ(cut.head.slots(), 1u) << name;
    EXPECT_FALSE(facts_of(cut.frozen.nodes.back().op).random) << name;
  }
  NetSpec one = tiny();
  one.nodes = {{"fc", Linear{.out = 3}, {"data"}}, {"prob", Softmax{}, {"fc"}}};
  one.logits = "fc";
  one.aliases.clear();
  EXPECT_TRUE(has(error_of([&] { cut_at_head(one); }, Code::unsupported), "nothing before it"));
}

// The same as to train the whole network with rates of 0 before the last layer.
TEST_F(FrozenTest, LearnsAsTheWholeNetworkWould) {
  TrainOptions frozen = options(), whole = options();
  frozen.dropout = whole.dropout = false;
  whole.freeze = false;
  whole.layer_rates = {{"conv*", 0}, {"fc5", 0}};
  whole.augment = {.random_crop = false, .flip = false};
  Trainer a(tiny(), data_, frozen), b(tiny(), data_, whole);
  for (int i = 0; i < 12; ++i) {
    const StepResult x = a.step(), y = b.step();
    EXPECT_NEAR(x.loss, y.loss, 1e-5 * y.loss) << i;
    EXPECT_EQ(x.accuracy, y.accuracy) << i;
    EXPECT_EQ(x.rate, y.rate);
  }
  a.save_weights(path("a"));
  b.save_weights(path("b"));
  const auto x = params("a"), y = params("b"), start = params("start.safetensors");
  for (const auto& [name, values] : y) {
    ASSERT_EQ(x.at(name).size(), values.size()) << name;
    for (size_t i = 0; i < values.size(); ++i) ASSERT_NEAR(x.at(name)[i], values[i], 1e-5) << name;
    if (name.starts_with("conv") || name.starts_with("fc5")) {
      EXPECT_EQ(x.at(name), start.at(name));
    }
  }
  EXPECT_NE(x.at("fc6.weight"), start.at("fc6.weight"));
}

TEST_F(FrozenTest, SeesEachPictureOnce) {
  data_->decoded = 0;
  TrainOptions wanted = options();
  wanted.recipe.epochs = 5;
  wanted.validation_share = 0.25;
  const Logged log;
  Trainer trainer(tiny(), data_, wanted);
  while (!trainer.done()) trainer.step(), trainer.validate();
  EXPECT_EQ(data_->decoded, 96);
  EXPECT_TRUE(has(log.text(), "pictures are not varied")) << log.text();
  EXPECT_TRUE(has(log.text(), "have seen 72 pictures and 24 to measure by")) << log.text();
  // the figures are those of the whole network
  const Evaluation head = trainer.validate(), all = trainer.evaluate(*trainer.options().validation);
  EXPECT_EQ(head.top1, all.top1);
  EXPECT_EQ(head.images, all.images);
  EXPECT_EQ(head.confusion, all.confusion);
  EXPECT_NEAR(head.loss, all.loss, 1e-5);
}

TEST_F(FrozenTest, AResumedRunEndsBitEqual) {
  Trainer whole(tiny(), data_, options());
  while (!whole.done()) whole.step();
  whole.save_checkpoint(path("whole"));
  for (const int64_t stop : {0, 5, 7}) {
    Trainer first(tiny(), data_, options());
    while (first.steps_done() < stop) first.step();
    first.save_checkpoint(path("stopped"));
    const auto second = Trainer::resume(path("stopped"), data_, as_written());
    EXPECT_TRUE(second->options().freeze);
    while (!second->done()) second->step();
    second->save_checkpoint(path("resumed"));
    EXPECT_EQ(bytes_of(path("whole")), bytes_of(path("resumed"))) << "stopped after " << stop;
  }
}

TEST_F(FrozenTest, WhatDoesNotFitIntoMemoryLiesInAFile) {
  Trainer trainer(tiny(), data_, options());
  const std::string expected = weights_of(trainer);
  TrainOptions small = options();
  small.feature_bytes = 1000;
  small.cache_folder = folder_.string();
  const Logged log;
  Trainer filed(tiny(), data_, small);
  EXPECT_TRUE(weights_of(filed) == expected);
  EXPECT_TRUE(has(log.text(), "in a temporary file")) << log.text();
  small.cache_folder = path("nowhere");
  EXPECT_TRUE(has(error_of([&] { Trainer(tiny(), data_, small); }, Code::io), "nowhere"));
}

TEST_F(FrozenTest, LeavesBrokenPicturesOut) {
  const auto chipped = std::make_shared<Chipped>(96, std::set<int64_t>{3, 50, 95});
  const Logged log;
  Trainer trainer(tiny(), chipped, options());
  while (!trainer.done()) trainer.step();
  EXPECT_EQ(trainer.broken(), 3);
  EXPECT_TRUE(has(log.text(), "colours[50] is skipped")) << log.text();
  std::set<int64_t> all;
  for (int64_t i = 0; i < 96; ++i) all.insert(i);
  Trainer none(tiny(), std::make_shared<Chipped>(96, all), options());
  error_of([&] { none.step(); }, Code::bad_file);
}

TEST_F(FrozenTest, CanBeStoppedBeforeItsFirstStep) {
  const auto many = std::make_shared<Chipped>(288, std::set<int64_t>{});
  TrainingRun run(std::make_unique<Trainer>(tiny(), many, options()));
  run.set_checkpoints({path("checkpoint"), 0, 0});
  RunWatch watch;
  bool stop = true;
  std::vector<int64_t> seen;
  watch.on_features = [&](int64_t done, int64_t total) {
    seen.push_back(done);
    EXPECT_EQ(total, 288);
  };
  watch.stopped = [&] { return stop; };
  EXPECT_FALSE(run.run(watch));
  EXPECT_EQ(seen.size(), 1u);
  EXPECT_EQ(run.saved_step(), 0);
  stop = false;
  EXPECT_TRUE(run.run(watch));
  EXPECT_EQ(seen, (std::vector<int64_t>{64, 128, 192, 256, 288}));  // each once
  EXPECT_TRUE(Trainer::resume(path("checkpoint"), many, as_written())->done());
}

// Its epochs are short.
TEST_F(FrozenTest, WritesACheckpointEveryHalfMinute) {
  TrainOptions wanted = options();
  wanted.recipe.epochs = 10;
  TrainingRun run(std::make_unique<Trainer>(tiny(), data_, wanted));
  run.set_checkpoints({path("checkpoint"), 0, 0});
  std::chrono::steady_clock::time_point time{};
  run.now = [&] { return time; };
  std::set<int64_t> saved;
  RunWatch watch;
  watch.on_step = [&](const StepResult&, const EpochRow*) {
    saved.insert(run.saved_step());
    time += std::chrono::seconds(2);
  };
  EXPECT_TRUE(run.run(watch));
  EXPECT_EQ(saved, (std::set<int64_t>{-1, 18, 36, 54}));
  EXPECT_EQ(run.saved_step(), 60);
}

TEST_F(FrozenTest, RefusesWhatCannotBe) {
  TrainOptions wanted = options();
  wanted.init.clear();
  EXPECT_TRUE(has(error_of([&] { Trainer(tiny(), data_, wanted); }), "no weights to start from"));
  wanted = options();
  wanted.hybrid = true;
  error_of([&] { Trainer(tiny(), data_, wanted); }, Code::unsupported);
  wanted = options();
  wanted.layer_rates = {{"conv1", 1}};
  EXPECT_TRUE(has(error_of([&] { Trainer(tiny(), data_, wanted); }, Code::not_found), "fc6"));
  EXPECT_TRUE(has(error_of([] { freezes("all"); }), "all-but-last"));
}

TEST(ScratchFiles, KeepWhatTheyAreGiven) {
  ScratchFile file("");
  const std::vector<float> values{1, 2, 3, 4};
  file.write(8, std::as_bytes(std::span(values)));
  std::vector<float> read(2);
  file.read(12, std::as_writable_bytes(std::span(read)));
  EXPECT_EQ(read, (std::vector<float>{2, 3}));
  error_of([&] { file.read(20, std::as_writable_bytes(std::span(read))); }, Code::io);
}

}  // namespace
}  // namespace alx
