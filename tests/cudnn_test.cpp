// The GPU backend: whole networks on one device and on two, on real GPUs or simulated ones.
#include <gtest/gtest.h>

#include "core/error.h"
#include "data/dataset_memory.h"
#include "gpus.h"
#include "network/session.h"
#include "networks.h"
#include "tiny_training.h"
#include "train/trainer.h"

namespace alx {
namespace {

using namespace test;

// Every test ends without complaints of the simulated machine.
class Cudnn : public testing::Test {
 protected:
  void SetUp() override {
    devices_ = two_gpus();
    if (devices_.empty()) GTEST_SKIP() << "no GPU can be used";
    gpu_violations();
  }
  void TearDown() override { EXPECT_EQ(gpu_violations(), std::vector<std::string>()); }
  std::string devices_;
};

void expect_close(const Trained& got, const Trained& want, double tolerance) {
  EXPECT_LT(relative_error(got.losses, want.losses), tolerance);
  ASSERT_EQ(got.weights.size(), want.weights.size());
  for (size_t i = 0; i < want.weights.size(); ++i)
    EXPECT_LT(relative_error(got.weights[i], want.weights[i]), tolerance) << "parameter " << i;
}

TEST_F(Cudnn, TowersTrainAlikeOnOneDeviceOnTwoAndOnTheHost) {
  const Trained two = train(tiny_towers(), devices_), one = train(tiny_towers(), "cuda:0");
  EXPECT_TRUE(two == one) << "two devices and one differ";
  EXPECT_TRUE(train(tiny_towers(), "cuda:0,cuda:0") == one) << "one device as two and one differ";
  expect_close(one, train(tiny_towers(), "reference"), 1e-4);
}

TEST_F(Cudnn, TowersMayBeOnAGpuAndOnTheHost) {
  const Trained reference = train(tiny_towers(), "reference");
  expect_close(train(tiny_towers(), "cuda:0,cpu"), reference, 1e-4);
  expect_close(train(tiny_towers(), "reference,cuda:0"), reference, 1e-4);
}

TEST_F(Cudnn, TrainsInHalfPrecisionCloseToSingle) {
  const Trained single = train(tiny_towers(), "cuda:0");
  for (const Precision type : {Precision::fp16, Precision::bf16}) {
    const Trained half = train(tiny_towers(), devices_, type);
    expect_close(half, single, type == Precision::fp16 ? 0.03 : 0.15);
    EXPECT_FALSE(half == single);
    EXPECT_TRUE(half == train(tiny_towers(), "cuda:0", type)) << "two devices and one differ";
  }
}

// Inference, where a graph is replayed from the third run on.
TEST_F(Cudnn, AnswersAlikeHoweverOftenItIsAsked) {
  const NetSpec spec = small("alexnet-cifar10");
  for (const Precision type :
       {Precision::fp32, Precision::tf32, Precision::fp16, Precision::bf16}) {
    NetworkOptions options;
    options.batch = 2;
    Network reference(spec, open_devices("reference"), options);
    options.precision = type;
    Network gpu(spec, open_devices("cuda:0"), options);
    for (Network* net : {&reference, &gpu}) net->load(random_weights(1));
    for (uint64_t run = 0; run < 4; ++run) {
      for (Network* net : {&reference, &gpu}) {
        net->set_input(picture(*net, run, 1));
        net->forward();
      }
      const double error =
          relative_error(gpu.read(gpu.result()), reference.read(reference.result()));
      // A real cuDNN may choose Winograd's algorithm, which rounds otherwise.
      EXPECT_LT(error, type != Precision::fp32 ? 2e-2
                       : gpus_are_real()       ? 1e-4
                                               : 1e-5)
          << name_of(type) << ", run " << run;
    }
  }
}

// A step on one device is replayed, too, from the second on: with its own masks and rate.
TEST_F(Cudnn, TrainsAlikeHoweverManySteps) {
  const Trained reference = train(tiny_towers(), "reference", Precision::fp32, 6);
  const Trained one = train(tiny_towers(), "cuda:0", Precision::fp32, 6);
  expect_close(one, reference, 1e-4);
  EXPECT_TRUE(train(tiny_towers(), devices_, Precision::fp32, 6) == one)
      << "two devices, which replay nothing";
  expect_close(train(tiny_towers(), "cuda:0", Precision::fp16, 6), reference, 0.03);
}

// Squares of values from 256 on are no halves any more.
TEST_F(Cudnn, NormalisesLargeValuesInHalfPrecision) {
  models::NetBuilder builder("large", "a test");
  InputSpec input;
  input.height = input.width = 6;
  builder.input(input, {}).classes(5, {}).add("norm", Lrn{5, 2, 1e-4f, 0.75f});
  builder.add("fc", Linear{5, Activation::none, models::gaussian(1), models::bias(0)});
  const NetSpec spec = builder.finish();
  NetworkOptions options;
  options.outputs = {"norm"};
  Network reference(spec, open_devices("reference"), options);
  options.precision = Precision::fp16;
  Network gpu(spec, open_devices("cuda:0"), options);
  for (Network* net : {&reference, &gpu}) {
    net->load(random_weights(1));
    net->set_input(picture(*net, 1, 1000));
    net->forward();
  }
  EXPECT_LT(relative_error(gpu.read("norm"), reference.read("norm")), 5e-3);
}

// Whatever device looks: where the value stands, and what it is.
TEST_F(Cudnn, RefusesInputThatIsNotFinite) {
  const auto model = Model::of(small("alexnet-cifar10"), random_weights(1));
  SessionOptions options;
  options.batch = 2;
  std::vector<std::unique_ptr<Session>> sessions;
  for (const char* device : {"reference", "cpu", "cuda:0"}) {
    options.devices = device;
    sessions.push_back(std::make_unique<Session>(model, options));
  }
  constexpr size_t row = 3 * 32 * 32;
  const std::vector<float> good(3 * row, 0.5f);
  for (const auto& session : sessions) EXPECT_EQ(session->run(good).size(), 3u * 10);
  for (const size_t place : {size_t{0}, row + 1, 2 * row - 1, 2 * row, 3 * row - 1})
    for (const float value : {NAN, -INFINITY}) {
      std::vector<float> bad = good;
      bad[place] = bad.back() = value;
      const std::string expected =
          cat("value ", place, " of the input is ", value, ", not a finite number");
      for (const auto& session : sessions) try {
          session->run(bad);
          ADD_FAILURE() << "not refused: " << expected;
        } catch (const Error& error) {
          EXPECT_EQ(error.code(), Code::invalid_argument);
          EXPECT_EQ(error.what(), expected);
        }
      for (const auto& session : sessions)
        EXPECT_EQ(session->run(good).size(), 3u * 10) << "afterwards";
    }
}

TEST_F(Cudnn, SessionsOfOneModelShareItsWeights) {
  const auto model = Model::of(small("alexnet-cifar10"), random_weights(1));
  SessionOptions options;
  options.devices = "cuda:0";
  Session first(model, options), second(model, options);
  EXPECT_EQ(first.network().weight(0), second.network().weight(0));
  const std::vector<float> images = picture(first.network(), 1, 1);
  EXPECT_EQ(first.run(images), second.run(images));
}

std::shared_ptr<const Dataset> coloured_pictures(int64_t count) {
  auto data = std::make_shared<MemoryDataset>(std::vector<std::string>{"a", "b", "c", "d", "e"});
  for (int64_t i = 0; i < count; ++i) {
    Image image{13, 13, std::vector<uint8_t>(13 * 13 * 3)};
    for (size_t p = 0; p < image.pixels.size(); ++p)
      image.pixels[p] = static_cast<uint8_t>(Random(3, 1, static_cast<uint64_t>(i)).below(p, 156) +
                                             static_cast<uint64_t>(i % 5) * 20);
    data->add(std::move(image), i % 5);
  }
  return data;
}

Trained train_with_pictures(NetSpec spec, const std::string& devices,
                            Precision precision = Precision::fp32, bool in_hybrid = false) {
  spec.input.resize = InputSpec::Resize::none;
  TrainOptions options;
  options.recipe = spec.recipe;
  options.recipe.mean = Recipe::Mean::fixed;
  options.recipe.batch = 10;
  options.recipe.epochs = 2;
  options.precision = precision;
  options.hybrid = in_hybrid;
  options.devices = devices;
  options.threads = 1;
  Trainer trainer(spec, coloured_pictures(20), options);
  Trained result;
  while (!trainer.done()) result.losses.push_back(static_cast<float>(trainer.step().loss));
  const auto model = trainer.model();
  Network whole(model->spec(), open_devices("reference"), {});
  model->load(whole);
  for (size_t i = 0; i < whole.params().size(); ++i) result.weights.push_back(whole.read_param(i));
  return result;
}

TEST_F(Cudnn, TheTrainerRunsOnTwoDevices) {
  const Trained two = train_with_pictures(tiny_towers(), devices_);
  EXPECT_TRUE(two == train_with_pictures(tiny_towers(), "cuda:0"));
  expect_close(two, train_with_pictures(tiny_towers(), "reference"), 1e-4);
}

NetSpec one_column() {
  ModelOptions options;
  options.classes = 5;
  options.height = options.width = 13;
  return make_model("convnet-18pct", options);
}

// Each device has half of the pictures; gradients are summed by NCCL, or through the host where
// there is one GPU.
TEST_F(Cudnn, DataParallelismGivesWhatOneDeviceGives) {
  const Trained one = train_with_pictures(one_column(), "cuda:0");
  expect_close(train_with_pictures(one_column(), devices_), one, 1e-4);
  expect_close(train_with_pictures(one_column(), "cpu,cpu"), one, 1e-4);
  EXPECT_THROW(train_with_pictures(one_column(), "cuda:0,cpu"), Error);
  expect_close(train_with_pictures(tiny_towers(), "cuda:0,cuda:0,reference,reference"),
               train_with_pictures(tiny_towers(), "reference"), 1e-4);
}

// A column with dropout before, between and behind fully connected layers.
NetSpec dense_column() {
  models::NetBuilder net("dense-column", "a test");
  InputSpec input;
  input.height = input.width = 13;
  input.resize = InputSpec::Resize::none;
  net.input(input, {}).classes(5, {});
  net.layer("conv1", conv3x3(4), "relu1").add("pool1", MaxPool{3, 2, {}, Round::ceil});
  net.add("drop0", Dropout{});
  const auto dense = [](int64_t out) {
    return Linear{out, Activation::none, models::he, models::bias(0.1f)};
  };
  net.layer("fc2", dense(12), "relu2").add("drop2", Dropout{});
  net.layer("fc3", dense(8), "relu3").add("drop3", Dropout{0.3f, false});
  net.add("fc4", dense(5));
  return net.finish();
}

// The same masks, and the same weights of each layer, whoever holds them.
TEST_F(Cudnn, HybridParallelismGivesWhatOneDeviceGives) {
  const Trained one = train_with_pictures(dense_column(), "reference");
  expect_close(train_with_pictures(dense_column(), "reference,reference", Precision::fp32, true),
               one, 1e-5);
  expect_close(train_with_pictures(dense_column(), devices_, Precision::fp32, true), one, 1e-4);
  expect_close(train_with_pictures(dense_column(), "cpu,cpu", Precision::fp32, true), one, 1e-4);
  EXPECT_LT(
      relative_error(train_with_pictures(dense_column(), devices_, Precision::fp16, true).losses,
                     one.losses),
      0.05);
  EXPECT_THROW(train_with_pictures(dense_column(), "cpu,cpu,cpu", Precision::fp32, true), Error)
      << "batch of 10 in 3";
  EXPECT_THROW(train_with_pictures(tiny_towers(), devices_, Precision::fp32, true), Error)
      << "no column";
}

// The loss is scaled up for it; 65536 overflows at first, and those steps are left out.
TEST_F(Cudnn, TheTrainerRunsInHalfPrecision) {
  const Trained single = train_with_pictures(tiny_towers(), devices_);
  const Trained half = train_with_pictures(tiny_towers(), devices_, Precision::fp16);
  EXPECT_LT(relative_error(half.losses, single.losses), 0.05);
  EXPECT_LT(relative_error(train_with_pictures(tiny_towers(), "cuda:0", Precision::bf16).losses,
                           single.losses),
            0.05);
  EXPECT_THROW(train_with_pictures(tiny_towers(), "cpu", Precision::bf16), Error);
}

TEST_F(Cudnn, ADeviceThatIsNotThereIsRefusedInWords) {
  size_t gpus = 0;
  for (const DeviceInfo& device : list_devices()) gpus += device.name.starts_with("cuda:");
  const std::string beyond = cat("cuda:", gpus);
  try {
    open_device(beyond);
    FAIL() << beyond << " was opened";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::device);
    EXPECT_NE(std::string(error.what()).find("cuda:0"), std::string::npos) << error.what();
  }
}

}  // namespace
}  // namespace alx
