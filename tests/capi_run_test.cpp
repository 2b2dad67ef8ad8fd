// Validation, the best epoch and checkpoints by the clock through the C ABI and its C++ layer.
#include <algorithm>
#include <vector>

#include "capi_status.h"
#include "capi_training.h"

namespace {

TEST_F(CapiTrain, ARunValidatesAndKeepsTheBestEpoch) {
  const alexnet::Dataset test(folder.string(), "test");
  alexnet::TrainOptions wanted = options();
  wanted.validation = &test;
  alexnet::Trainer training("alexnet-cifar10", *data, wanted);
  training.keep_best(path("best.safetensors"));
  training.set_checkpoint(path("timed.safetensors"));
  training.set_checkpoint_minutes(1000);
  std::vector<alexnet::Step> steps;
  bool early = false;
  training.on_step([&](const alexnet::Step& step) {
    steps.push_back(step);
    early |= fs::exists(path("timed.safetensors")) && step.step < step.total_steps;
  });
  training.step();
  training.step();
  training.step();  // ends an epoch, which the run then validates for keep_best() only
  EXPECT_FALSE(fs::exists(path("best.safetensors")));
  EXPECT_TRUE(training.run());
  EXPECT_FALSE(early);
  EXPECT_TRUE(fs::exists(path("timed.safetensors")));
  ASSERT_EQ(steps.size(), 12u);
  double best = 0;
  for (const alexnet::Step& step : steps) {
    EXPECT_EQ(step.validated, step.step % 3 == 0 && step.step > 3) << step.step;
    EXPECT_EQ(step.validation_loss > 0, step.validated == 1);
    best = std::max(best, step.validation_top1);
  }
  const alexnet::Evaluation last = training.evaluate(test);
  EXPECT_DOUBLE_EQ(steps.back().validation_top1, last.top1);
  EXPECT_DOUBLE_EQ(steps.back().validation_top5, last.top5);
  EXPECT_NEAR(steps.back().validation_loss, last.loss, 1e-6);
  EXPECT_TRUE(alexnet::verify(path("best.safetensors")).has_value());
  alexnet::SessionOptions one_thread;
  one_thread.threads = 1;
  alexnet::Session kept(alexnet::Model(path("best.safetensors")), one_thread);
  EXPECT_GE(kept.evaluate(test).top1, best);
}

TEST_F(CapiTrain, RefusesValidationThatCannotWork) {
  alexnet::Trainer without = trainer();
  EXPECT_EQ(status_of([&] { without.keep_best(path("none.safetensors")); }),
            ALEXNET_ERROR_INVALID_STATE);
  without.keep_best("");
  const alexnet::Dataset empty = alexnet::Dataset::in_memory(data->classes());
  const alexnet::Dataset others = [] {
    alexnet::Dataset set = alexnet::Dataset::in_memory({"cat"});
    const uint8_t pixel[] = {1, 2, 3};
    set.add(alexnet::Image::from_pixels(pixel, 1, 1), 0);
    return set;
  }();
  for (const alexnet::Dataset* wrong : {&empty, &others}) {
    alexnet::TrainOptions wanted = options();
    wanted.validation = wrong;
    EXPECT_EQ(status_of([&] { alexnet::Trainer("alexnet-cifar10", *data, wanted); }),
              ALEXNET_ERROR_INVALID_ARGUMENT);
  }
  alexnet::TrainOptions wanted = options();
  wanted.validation = data.get();
  alexnet::Trainer training("alexnet-cifar10", *data, wanted);
  training.set_checkpoint(path("one.safetensors"));
  EXPECT_EQ(status_of([&] { training.keep_best(path("one.safetensors")); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  training.keep_best(path("two.safetensors"));
  EXPECT_EQ(status_of([&] { training.set_checkpoint(path("two.safetensors")); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
}

}  // namespace
