// A trainer's validation share, class weights and frozen layers, and what it tells, from outside.
#include <gtest/gtest.h>

#include <alexnet/alexnet.hpp>
#include <filesystem>
#include <mutex>
#include <string>

#include "capi_status.h"
#include "capi_training.h"

namespace {

// The lines of the log that come while it lives.
class Lines {
 public:
  Lines() {
    context_.set_log([this](alexnet_log_level, std::string_view line) {
      const std::lock_guard<std::mutex> lock(mutex_);
      text_ += std::string(line) + "\n";
    });
  }
  ~Lines() { context_.set_log(nullptr); }
  bool have(const std::string& part) const { return text_.find(part) != std::string::npos; }
  const std::string& text() const { return text_; }

 private:
  alexnet::Context context_;
  std::mutex mutex_;
  std::string text_;
};

using CapiTells = CapiTrain;

TEST_F(CapiTells, TheLogSaysWhatATrainingBeginsWith) {
  const Lines lines;
  alexnet::TrainOptions wanted = options();
  wanted.batch = 10;
  wanted.validation_share = 0.25;
  alexnet::Trainer trainer("alexnet-cifar10", *data, wanted);
  EXPECT_TRUE(lines.have("learning from 18 pictures of 3 classes, 6 of each")) << lines.text();
  EXPECT_TRUE(lines.have("measured by 6 pictures")) << lines.text();
  EXPECT_TRUE(lines.have("an epoch takes 10 of the 18 pictures")) << lines.text();
}

TEST_F(CapiTells, AShareOfThePicturesMeasures) {
  alexnet::TrainOptions wanted = options();
  wanted.batch = {};
  wanted.validation_share = 0.25;
  wanted.class_weights = "balanced";
  alexnet::Trainer trainer("alexnet-cifar10", *data, wanted);
  EXPECT_EQ(trainer.progress().steps_per_epoch, 1);  // a batch of all that are left
  trainer.keep_best(path("best.safetensors"));
  int64_t validated = 0;
  trainer.on_step([&](const alexnet::Step& step) { validated += step.validated; });
  EXPECT_TRUE(trainer.run());
  EXPECT_EQ(validated, 4);
  EXPECT_TRUE(fs::exists(path("best.safetensors")));
  trainer.save_checkpoint(path("share.checkpoint"));
  alexnet::TrainOptions more;
  more.epochs = 5;
  more.threads = 1;
  alexnet::Trainer resumed = alexnet::Trainer::resume(path("share.checkpoint"), *data, more);
  resumed.on_step([&](const alexnet::Step& step) { validated += step.validated; });
  EXPECT_TRUE(resumed.run());
  EXPECT_EQ(validated, 5);
  const alexnet::Dataset test(folder.string(), "test");
  wanted.validation = &test;
  EXPECT_EQ(status_of([&] { alexnet::Trainer("alexnet-cifar10", *data, wanted); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
}

TEST_F(CapiTells, TheLastLayerAloneLearns) {
  EXPECT_TRUE(fs::exists(alexnet::network_weights("alexnet-cifar10")));
  EXPECT_EQ(alexnet::network_weights("alexnet-cifar10"),
            alexnet::network_weights("alexnet-cifar10"));
  EXPECT_EQ(status_of([] { alexnet::network_weights("alexnet"); }), ALEXNET_ERROR_NOT_FOUND);
  EXPECT_EQ(status_of([] { alexnet::network_weights("nothing"); }), ALEXNET_ERROR_NOT_FOUND);
  alexnet::TrainOptions wanted = options();
  wanted.epochs = 30;
  wanted.input_size = {};
  wanted.learning_rate = 0.03;
  wanted.freeze = "all-but-last";
  EXPECT_EQ(status_of([&] { alexnet::Trainer("alexnet-cifar10", *data, wanted); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  wanted.initial_weights = "alexnet-cifar10";
  wanted.validation_share = 0.25;
  const Lines lines;
  alexnet::Trainer trainer("alexnet-cifar10", *data, wanted);
  const double before = trainer.step().loss;
  EXPECT_TRUE(trainer.run());
  EXPECT_TRUE(lines.have("pictures are not varied")) << lines.text();
  const alexnet::Evaluation after = trainer.evaluate(*data);
  EXPECT_LT(after.loss, before / 2);
  trainer.save_weights(path("own.safetensors"));
  const alexnet::Model model(path("own.safetensors"));
  EXPECT_EQ(model.labels(), data->classes());
  // of the last layer alone
  EXPECT_LT(trainer.memory().weights, 10'000);
}

}  // namespace
