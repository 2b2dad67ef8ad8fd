// The trainer: it learns, it stops and goes on bit for bit, and what it writes is what it is.
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "colours.h"
#include "counted_loop.h"
#include "refusal.h"

namespace alx {
namespace {

class TrainTest : public testing::Test {
 protected:
  void SetUp() override {
    folder_ = fs::temp_directory_path() / cat("alexnet_train_test_", ::getpid());
    fs::create_directories(folder_);
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::shared_ptr<const Dataset> data_ = std::make_shared<Colours>(96);
  fs::path folder_;
};

TEST_F(TrainTest, LearnsWhatIsEasy) {
  TrainOptions options = quick_run();
  options.recipe.epochs = 12;
  Trainer trainer(tiny(), data_, options);
  const double before = trainer.evaluate(*data_).loss;
  while (!trainer.done()) trainer.step();
  const Evaluation after = trainer.evaluate(*data_);
  EXPECT_LT(after.loss, before / 3);
  EXPECT_GT(after.top1, 0.95);
  EXPECT_EQ(after.images, 96);
  EXPECT_EQ(trainer.steps_done(), 12 * 6);
}

TEST_F(TrainTest, TheHostsLoopMakesPicturesFloats) {
  TrainOptions options = quick_run();
  options.devices = "reference";  // its kernels run no loops
  const auto loop = std::make_shared<Counted>(2);
  options.host.loop = loop;
  Trainer(tiny(), data_, options).step();
  EXPECT_EQ(loop->most(), 16);
}

TEST_F(TrainTest, AResumedRunEndsBitEqual) {
  Trainer whole(tiny(), data_, quick_run());
  while (!whole.done()) whole.step();
  whole.save_checkpoint(path("whole"));

  for (const int64_t stop : {1, 5, 6, 7, 11}) {  // inside an epoch, at its end, after it
    Trainer first(tiny(), data_, quick_run());
    while (first.steps_done() < stop) first.step();
    first.save_checkpoint(path("stopped"));
    const auto second = Trainer::resume(path("stopped"), data_, as_written());
    EXPECT_EQ(second->steps_done(), stop);
    while (!second->done()) second->step();
    second->save_checkpoint(path("resumed"));
    EXPECT_EQ(bytes_of(path("whole")), bytes_of(path("resumed"))) << "stopped after " << stop;
  }
}

// The state of each parameter by name, as a checkpoint holds it.
std::map<std::string, std::vector<float>> parameters_of(const Trainer& trainer,
                                                        const std::string& path) {
  trainer.save_checkpoint(path);
  const WeightFile file = WeightFile::open(path);
  std::map<std::string, std::vector<float>> all;
  for (const TensorView& tensor : file.tensors()) {
    if (tensor.name.starts_with("optimizer.")) continue;
    std::vector<float>& values = all[tensor.name] =
        std::vector<float>(static_cast<size_t>(element_count(tensor.shape)));
    file.read(tensor, values);
  }
  return all;
}

TEST_F(TrainTest, FrozenLayersStayAndOthersLearnAtTheirOwnPace) {
  TrainOptions options = quick_run();
  options.layer_rates = {{"conv*", 0}, {"fc6", 10}};
  Trainer trainer(tiny(), data_, options);
  const auto before = parameters_of(trainer, path("a"));
  for (int i = 0; i < 3; ++i) trainer.step();
  const auto after = parameters_of(trainer, path("b"));
  for (const auto& [name, values] : before)
    EXPECT_EQ(values == after.at(name), name.starts_with("conv")) << name;
  const auto resumed = Trainer::resume(path("b"), data_, as_written());
  resumed->step();
  EXPECT_EQ(parameters_of(*resumed, path("c")).at("conv2.weight"), before.at("conv2.weight"));
  // Nothing runs backward through frozen layers that lie behind no other, and the rest learns the
  // same.
  EXPECT_FALSE(has(trainer.network().describe(), "backward conv"));
  options.layer_rates["conv*"] = 1e-30f;
  Trainer slow(tiny(), data_, options);
  EXPECT_TRUE(has(slow.network().describe(), "backward conv1"));
  for (int i = 0; i < 3; ++i) slow.step();
  const auto same = parameters_of(slow, path("d"));
  for (const char* name : {"fc5.weight", "fc5.bias", "fc6.weight", "fc6.bias"})
    EXPECT_EQ(same.at(name), after.at(name)) << name;
  options.layer_rates = {{"conv2", 0}};
  Trainer inside(tiny(), data_, options);
  inside.step();
  const auto learned = parameters_of(inside, path("e"));
  EXPECT_EQ(learned.at("conv2.weight"), before.at("conv2.weight"));
  EXPECT_NE(learned.at("conv1.weight"), before.at("conv1.weight"));
  options.layer_rates = {{"conv9", 0}};
  EXPECT_TRUE(
      has(error_of([&] { Trainer(tiny(), data_, options); }, Code::not_found), "conv1, conv2"));
  options.layer_rates = {{"conv1", -1.0f}};
  error_of([&] { Trainer(tiny(), data_, options); }, Code::invalid_argument);
}

TEST_F(TrainTest, FineTuningKeepsTheColoursOfItsWeights) {
  TrainOptions options = quick_run();
  options.recipe.mean = Recipe::Mean::image;
  Trainer first(tiny(), data_, options);
  first.step();
  first.save_weights(path("first.safetensors"));
  options.recipe.mean = Recipe::Mean::fixed;
  options.init = path("first.safetensors");
  const Trainer second(tiny(), data_, options);
  EXPECT_EQ(second.spec().input.mean_image, "mean_image");
  second.save_weights(path("second.safetensors"));
  EXPECT_EQ(Model::open(path("second.safetensors"))->preprocessor().mean_image().values,
            Model::open(path("first.safetensors"))->preprocessor().mean_image().values);
}

// Mean image and colour components are measured once, kept in the checkpoint, and written into the
// weight file.
TEST_F(TrainTest, WhatWasMeasuredGoesOnWithTheRun) {
  TrainOptions options = quick_run();
  options.recipe.mean = Recipe::Mean::image;
  options.augment.colour_noise = 0.1f;
  Trainer whole(tiny(), data_, options);
  while (!whole.done()) whole.step();
  whole.save_checkpoint(path("whole"));
  Trainer first(tiny(), data_, options);
  for (int i = 0; i < 5; ++i) first.step();
  first.save_checkpoint(path("stopped"));
  const auto second = Trainer::resume(path("stopped"), data_, as_written());
  while (!second->done()) second->step();
  second->save_checkpoint(path("resumed"));
  EXPECT_EQ(bytes_of(path("whole")), bytes_of(path("resumed")));

  second->save_weights(path("weights.safetensors"));
  const auto model = Model::open(path("weights.safetensors"));
  EXPECT_EQ(model->spec().input.mean_image, "mean_image");
  EXPECT_EQ(model->preprocessor().mean_image().size, tiny().input.resize_size);
  EXPECT_TRUE(has(model->file()->metadata("alexnet.pca"), "deviations"));
  const Image picture = data_->image(4, 0);
  const auto answer = [&](std::shared_ptr<const Model> of) {
    SessionOptions one_thread;
    one_thread.threads = 1;
    return Session(std::move(of), one_thread).classify({picture});
  };
  EXPECT_EQ(answer(model), answer(second->model()));

  options.recipe.mean = Recipe::Mean::colour;
  const NetSpec spec = Trainer(tiny(), data_, options).spec();
  for (const float mean : spec.input.mean) EXPECT_NEAR(mean, (63.5f + 100 / 3.0f) / 255, 0.005f);
}

TEST_F(TrainTest, WrittenWeightsAnswerAsTheTrainerDoes) {
  Trainer trainer(tiny(), data_, quick_run());
  while (!trainer.done()) trainer.step();
  for (DataType stored : {DataType::f32, DataType::f16, DataType::bf16}) {
    trainer.save_weights(path("weights.safetensors"), stored);
    const Verdict verdict = verify(path("weights.safetensors"));
    EXPECT_TRUE(verdict.faults.empty()) << verdict.faults.front();
    ASSERT_TRUE(verdict.self_test_error);
    EXPECT_LT(*verdict.self_test_error, 1e-5);
    EXPECT_TRUE(verify(path("weights.safetensors"), "reference").faults.empty());
    const auto model = Model::open(path("weights.safetensors"));
    EXPECT_EQ(model->labels(), data_->classes());
    SessionOptions session_options;
    session_options.threads = 1;
    Session loaded(model, session_options), live(trainer.model(), session_options);
    const std::vector<Image> pictures{data_->image(0, 0), data_->image(1, 0)};
    const auto a = loaded.classify(pictures), b = live.classify(pictures);
    for (size_t i = 0; i < a.size(); ++i)
      EXPECT_NEAR(a[i], b[i], stored == DataType::f32 ? 1e-6 : 2e-2);
  }
}

TEST_F(TrainTest, StartsFromWeightsOfAnotherClassCount) {
  Trainer trainer(tiny(), data_, quick_run());
  trainer.step();
  trainer.save_weights(path("three.safetensors"));
  class Two : public Colours {
   public:
    Two() : Colours(64) { classes_ = {"red", "green"}; }
    int64_t label(int64_t i) const override { return i % 2; }
  };
  ModelOptions options;
  options.classes = 2;
  options.height = options.width = 12;
  TrainOptions fine = quick_run();
  fine.init = path("three.safetensors");
  Trainer tuned(make_model("alexnet-cifar10", options), std::make_shared<Two>(), fine);
  const auto read = [](const Trainer& t) {
    SessionOptions session_options;
    session_options.outputs = {"conv1"};
    Session session(t.model(), session_options);
    return session.features({Colours(1).image(0, 0)}, "conv1");
  };
  EXPECT_EQ(read(trainer), read(tuned));
  EXPECT_NO_THROW(tuned.step());
}

TEST_F(TrainTest, RefusesWhatCannotWork) {
  TrainOptions options = quick_run();
  options.recipe.batch = 97;
  EXPECT_TRUE(has(error_of([&] { Trainer(tiny(), data_, options); }), "1..96"));
  options = quick_run();
  options.recipe.rate = 0;
  EXPECT_TRUE(has(error_of([&] { Trainer(tiny(), data_, options); }), "rate"));
  options = quick_run();
  options.recipe.schedule = "sometimes";
  EXPECT_TRUE(has(error_of([&] { Trainer(tiny(), data_, options); }), "step:EVERY:FACTOR"));
  EXPECT_TRUE(has(error_of([&] { Trainer(make_model("alexnet-cifar10"), data_, quick_run()); }),
                  "3 classes"));
  Trainer trainer(tiny(), data_, quick_run());
  trainer.save_weights(path("weights.safetensors"));
  trainer.save_checkpoint(path("checkpoint.safetensors"));
  EXPECT_TRUE(
      has(error_of([&] { Trainer::resume(path("weights.safetensors"), data_, quick_run()); },
                   Code::bad_file),
          "as initial weights"));
  const auto more = std::make_shared<Colours>(100);
  EXPECT_TRUE(has(
      error_of([&] { Trainer::resume(path("checkpoint.safetensors"), more, quick_run()); }), "96"));
}

TEST_F(TrainTest, JsonOfACheckpointIsBounded) {
  Trainer trainer(tiny(), data_, quick_run());
  trainer.save_checkpoint(path("checkpoint.safetensors"));
  const WeightFile file = WeightFile::open(path("checkpoint.safetensors"));
  const auto refusal = [&](const std::string& key, const std::string& text, Code code) {
    std::vector<TensorToWrite> tensors;
    for (const TensorView& tensor : file.tensors()) {
      std::vector<float> values(static_cast<size_t>(element_count(tensor.shape)));
      file.read(tensor, values);
      tensors.push_back(make_tensor(tensor.name, tensor.shape, std::move(values)));
    }
    auto metadata = file.metadata();
    metadata[key] = text;
    write_safetensors(path("other.safetensors"), std::move(tensors), std::move(metadata));
    return error_of([&] { Trainer::resume(path("other.safetensors"), data_, quick_run()); }, code);
  };
  const std::string brackets(1000, '['), many(100000, '[');
  EXPECT_TRUE(has(refusal("alexnet.solver", brackets, Code::unsupported), "64 deep"));
  EXPECT_TRUE(has(refusal("alexnet.solver", many, Code::bad_file), "65536 bytes"));
  EXPECT_TRUE(has(refusal("alexnet.pca", many, Code::unsupported), "64 deep"));
  EXPECT_LT(refusal("alexnet.pca", "\"" + many, Code::bad_file).size(), 1000u);
}

TEST_F(TrainTest, DivergenceIsSaidAndKeepsTheLastCheckpoint) {
  TrainOptions options = quick_run();
  options.recipe.rate = 1000;
  options.recipe.epochs = 50;
  Trainer trainer(tiny(), data_, options);
  EXPECT_TRUE(has(error_of(
                      [&] {
                        while (!trainer.done()) trainer.step();
                      },
                      Code::invalid_state),
                  "diverged"));
}

TEST(Schedule, APlateauLowersTheRateWhereProgressEnds) {
  const Schedule schedule("plateau:0.1:2");
  Plateau plateau;
  for (const double measure : {1.0, 0.5, 0.6}) plateau.judge(measure, schedule);
  EXPECT_EQ(plateau.factor, 1);
  plateau.judge(0.49999, schedule);  // too little to count
  EXPECT_DOUBLE_EQ(plateau.factor, 0.1);
  for (const double measure : {0.4, 0.4, 0.4}) plateau.judge(measure, schedule);
  EXPECT_DOUBLE_EQ(plateau.factor, 0.01);
  for (const char* wrong : {"plateau:2:1", "plateau:0.1", "plateau:0.1:0.5", "plateau:0.1:x"})
    error_of([&] { Schedule{wrong}; }, Code::invalid_argument);
}

TEST_F(TrainTest, APlateauGoesOnWithTheRun) {
  for (const bool validation : {false, true}) {
    TrainOptions options = quick_run();
    options.recipe.epochs = 6;
    options.recipe.rate = 1e-9f;  // nothing is learnt: each epoch is one without progress
    options.recipe.schedule = "plateau:0.5:2";
    if (validation) options.validation = std::make_shared<Colours>(24);
    Trainer whole(tiny(), data_, options);
    StepResult last;
    while (!whole.done()) last = whole.step();
    // the loss varies a little with dropout's masks
    const double highest = validation ? 0.251e-9 : 0.6e-9;
    EXPECT_LT(last.rate, highest) << "by validation: " << validation;
    whole.save_checkpoint(path("whole"));
    Trainer first(tiny(), data_, options);
    while (first.steps_done() < 3 * first.steps_per_epoch()) first.step();
    first.save_checkpoint(path("stopped"));
    TrainOptions again = as_written();
    again.validation = options.validation;
    const auto second = Trainer::resume(path("stopped"), data_, again);
    while (!second->done()) second->step();
    second->save_checkpoint(path("resumed"));
    EXPECT_EQ(bytes_of(path("whole")), bytes_of(path("resumed")));
    again.validation = validation ? nullptr : std::make_shared<Colours>(24);
    error_of([&] { Trainer::resume(path("stopped"), data_, again); }, Code::invalid_argument);
  }
}

TEST(Schedule, GivesTheRates) {
  EXPECT_DOUBLE_EQ(Schedule("constant").rate(0.1, 50, 100), 0.1);
  EXPECT_NEAR(Schedule("step:30:0.1").rate(1, 29.9, 90), 1, 1e-12);
  EXPECT_NEAR(Schedule("step:30:0.1").rate(1, 60, 90), 0.01, 1e-12);
  EXPECT_NEAR(Schedule("steps:25,51,79:0.1").rate(1, 51, 90), 0.01, 1e-12);
  EXPECT_NEAR(Schedule("cosine").rate(1, 45, 90), 0.5, 1e-12);
  EXPECT_NEAR(Schedule("cosine").rate(1, 90, 90), 0, 1e-12);
  for (const char* wrong : {"", "step", "step:0:0.1", "step:10", "step:1,2:0.1", "steps:a:0.1",
                            "step:10:x", "cosine:1"})
    error_of([&] { Schedule{wrong}; });
}

TEST(TopK, PutsTheBestFirstAndBreaksTiesByIndex) {
  const std::vector<float> p{0.1f, 0.4f, 0.1f, 0.4f};
  const auto best = top_k(p, 3);
  ASSERT_EQ(best.size(), 3u);
  EXPECT_EQ(best[0].index, 1);
  EXPECT_EQ(best[1].index, 3);
  EXPECT_EQ(best[2].index, 0);
  EXPECT_EQ(top_k(p, 99).size(), 4u);
}

}  // namespace
}  // namespace alx
