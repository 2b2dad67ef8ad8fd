// A training run: when it writes checkpoints, what it tells, and which epoch's weights it keeps.
#include "train/run.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "colours.h"
#include "refusal.h"

namespace alx {
namespace {

// Pictures whose classes become wrong when a test says so.
class Fickle : public Colours {
 public:
  explicit Fickle(int64_t count = 24) : Colours(count) {}
  int64_t label(int64_t i) const override { return wrong ? (i + 1) % 3 : i % 3; }
  Image image(int64_t i, int64_t size) const override { return Colours(24).image(i, size); }
  bool wrong = false;
};

class RunTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / cat("alexnet_run_test_", ::getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }

  TrainOptions options(int64_t epochs, bool validated = true) const {
    TrainOptions options = quick_run();
    options.recipe.epochs = epochs;
    options.recipe.rate = 0.02f;
    if (validated) options.validation = validation_;
    return options;
  }
  TrainingRun run_of(const TrainOptions& options) const {
    return TrainingRun(std::make_unique<Trainer>(tiny(), data_, options));
  }
  TrainingRun resumed(const std::string& name, int64_t epochs) const {
    return TrainingRun(Trainer::resume(path(name), data_, options(epochs)));
  }

  std::shared_ptr<const Dataset> data_ = std::make_shared<Colours>(96);  // six steps an epoch
  std::shared_ptr<Fickle> validation_ = std::make_shared<Fickle>();
  fs::path folder_;
};

TEST_F(RunTest, WritesCheckpointsByStepsMinutesOrEpochs) {
  const auto saved = [&](int64_t every, double minutes) {
    TrainingRun run = run_of(options(2, false));
    run.set_checkpoints({path("checkpoint"), every, minutes});
    std::chrono::steady_clock::time_point time{};
    run.now = [&] { return time; };
    RunWatch watch;
    std::vector<int64_t> steps;
    const auto look = [&] {
      if (run.saved_step() > 0 && (steps.empty() || steps.back() != run.saved_step()))
        steps.push_back(run.saved_step());
    };
    watch.on_step = [&](const StepResult&, const EpochRow*) {
      look();
      time += std::chrono::seconds(30);
    };
    EXPECT_TRUE(run.run(watch, 11));
    look();
    return steps;
  };
  EXPECT_EQ(saved(0, 0), (std::vector<int64_t>{6, 11}));
  EXPECT_EQ(saved(4, 0), (std::vector<int64_t>{4, 8, 11}));
  EXPECT_EQ(saved(4, 1), (std::vector<int64_t>{3, 6, 9, 11}));  // the clock goes before the steps
  TrainingRun run = run_of(options(2));
  error_of([&] { run.set_checkpoints({path("checkpoint"), -1, 0}); });
  error_of([&] { run.set_checkpoints({path("checkpoint"), 0, 1e-9}); });
  run.set_checkpoints({path("checkpoint"), 0, 0});
  EXPECT_TRUE(has(error_of([&] { run.keep_best(path("./checkpoint")); }), "already"));
  TrainingRun without = run_of(options(2, false));
  EXPECT_TRUE(
      has(error_of([&] { without.keep_best(path("best")); }, Code::invalid_state), "validation"));
}

TEST_F(RunTest, TellsOfEachEpochAndItsValidation) {
  TrainingRun run = run_of(options(2));
  RunWatch watch;
  std::vector<EpochRow> rows;
  int64_t steps = 0, looked = 0;
  double loss = 0;
  watch.on_step = [&](const StepResult& step, const EpochRow* ended) {
    EXPECT_EQ(step.step, ++steps);
    if (step.step <= 6) loss += step.loss / 6;
    if (ended) rows.push_back(*ended);
  };
  watch.on_validation = [&](int64_t done, int64_t total) {
    ++looked;
    EXPECT_LE(done, total);
    EXPECT_EQ(total, 24);
  };
  EXPECT_TRUE(run.run(watch));
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_GE(looked, 2);
  EXPECT_EQ(rows[0].step, 6);
  EXPECT_DOUBLE_EQ(rows[0].train_loss, loss);
  ASSERT_TRUE(rows[1].validation);
  EXPECT_EQ(rows[1].validation->images, 24);
  EXPECT_EQ(rows[1].validation->top1, run.trainer().evaluate(*validation_).top1);
  EXPECT_TRUE(run.run(watch));  // nothing is left
  EXPECT_EQ(steps, 12);
}

TEST_F(RunTest, KeepsTheBestEpochOverAResume) {
  TrainingRun run = run_of(options(6));
  run.set_checkpoints({path("checkpoint"), 0, 0});
  run.keep_best(path("best"));
  RunWatch watch;
  std::string best;
  std::map<int64_t, double> top1;
  watch.on_step = [&](const StepResult& step, const EpochRow* ended) {
    if (!ended) return;
    top1[step.step] = ended->validation->top1;
    if (step.step != 24) return;
    best = bytes_of(path("best"));
    validation_->wrong = true;  // from here on, right answers count as wrong ones
  };
  EXPECT_TRUE(run.run(watch));
  const BestEpoch kept = run.trainer().best();
  ASSERT_GT(kept.top1, 0.5);
  EXPECT_LE(kept.step, 24);
  EXPECT_EQ(kept.top1, top1.at(kept.step));
  EXPECT_LT(top1.at(36), 0.5);
  EXPECT_FALSE(best.empty());
  EXPECT_EQ(bytes_of(path("best")), best);
  SessionOptions one_thread;
  one_thread.threads = 1;
  Session session(Model::open(path("best")), one_thread);
  EXPECT_EQ(evaluate({&session}, Colours(24)).top1, kept.top1);
  run.set_checkpoints({});  // the next ones write these files
  run.keep_best("");
  {
    TrainingRun on = resumed("checkpoint", 7);
    on.keep_best(path("best"));
    EXPECT_TRUE(on.run({}));
    EXPECT_EQ(on.trainer().best().step, kept.step);
    EXPECT_EQ(on.trainer().best().judged_step, 42);
  }
  EXPECT_EQ(bytes_of(path("best")), best);
  fs::remove(path("best"));  // where it is gone, there is none to be better than
  TrainingRun anew = resumed("checkpoint", 7);
  anew.keep_best(path("best"));
  EXPECT_TRUE(anew.run({}));
  EXPECT_GT(anew.trainer().best().step, 24);
  EXPECT_TRUE(fs::exists(path("best")));
}

TEST_F(RunTest, TheBestByOtherPicturesIsNoneToBeBetterThan) {
  {
    TrainingRun run = run_of(options(6));
    run.set_checkpoints({path("checkpoint"), 0, 0});
    run.keep_best(path("best"));
    EXPECT_TRUE(run.run({}));
    ASSERT_GT(run.trainer().best().step, 0);
  }
  validation_ = std::make_shared<Fickle>(12);
  TrainingRun other = resumed("checkpoint", 7);
  EXPECT_EQ(other.trainer().best().step, 0);
  EXPECT_TRUE(other.trainer().best().pictures.empty());
}

TEST_F(RunTest, RefusesFilesThatCannotBeWrittenBeforeTheFirstStep) {
  TrainingRun run = run_of(options(1));
  const std::string nowhere = path("nowhere") + "/file.safetensors";
  EXPECT_THROW(run.set_checkpoints({nowhere, 0, 0}), Error);
  EXPECT_THROW(run.keep_best(nowhere), Error);
  EXPECT_TRUE(run.checkpoints().file.empty());
}

TEST_F(RunTest, AStopInTheLastValidationComesTooLateForTheBest) {
  TrainingRun run = run_of(options(1));
  run.keep_best(path("best"));
  RunWatch watch;
  bool stop = false;
  watch.stopped = [&] { return stop; };
  watch.on_validation = [&](int64_t, int64_t) { stop = true; };
  EXPECT_TRUE(run.run(watch));
  EXPECT_TRUE(fs::exists(path("best")));
  EXPECT_EQ(run.trainer().best().judged_step, run.trainer().steps_done());
}

TEST_F(RunTest, AStopDuringValidationLeavesACheckpointThatGoesOn) {
  {
    TrainingRun run = run_of(options(3));
    run.set_checkpoints({path("checkpoint"), 0, 0});
    run.keep_best(path("best"));
    RunWatch watch;
    bool stop = false;
    std::vector<bool> validated;
    watch.stopped = [&] { return stop; };
    watch.on_validation = [&](int64_t, int64_t) { stop = true; };
    watch.on_step = [&](const StepResult&, const EpochRow* ended) {
      if (ended) validated.push_back(ended->validation.has_value());
    };
    EXPECT_FALSE(run.run(watch));
    EXPECT_EQ(run.trainer().steps_done(), 6);
    EXPECT_EQ(validated, std::vector<bool>{false});  // the step is told of nevertheless
    EXPECT_FALSE(fs::exists(path("best")));
  }
  TrainingRun on = resumed("checkpoint", 3);
  on.keep_best(path("best"));
  EXPECT_EQ(on.trainer().steps_done(), 6);
  RunWatch watch;
  int64_t at = -1;
  watch.on_validation = [&](int64_t, int64_t) {
    if (at < 0) at = on.trainer().steps_done();
  };
  EXPECT_TRUE(on.run(watch, 1));
  EXPECT_EQ(at, 6);  // the epoch that was not validated is, before the next step
  EXPECT_EQ(on.trainer().best().step, 6);
  EXPECT_TRUE(fs::exists(path("best")));
}

}  // namespace
}  // namespace alx
