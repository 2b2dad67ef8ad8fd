// Models, memory and threads of the C ABI from outside, without a picture file.
#include <gtest/gtest.h>

#include <alexnet/alexnet.hpp>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <numeric>
#include <thread>

#include "capi_status.h"

namespace {

std::string bundled_bytes() {
  std::ifstream file(ALEXNET_BUNDLED, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// A picture of some colour that differs from place to place.
alexnet::Image picture(int seed, int64_t width = 48, int64_t height = 40) {
  std::vector<uint8_t> pixels(static_cast<size_t>(width * height * 3));
  for (size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<uint8_t>((i * 7 + i / 97 * 31) * (seed + 1));
  return alexnet::Image::from_pixels(pixels.data(), width, height);
}

alexnet::SessionOptions one_thread(int64_t batch = 1) {
  alexnet::SessionOptions options;
  options.threads = 1;
  options.batch = batch;
  return options;
}

TEST(CapiModels, FromMemoryAnswerAsFromTheFile) {
  std::string bytes = bundled_bytes();
  const alexnet::Model model = alexnet::Model::from_memory(bytes.data(), bytes.size());
  const std::vector<float> expected =
      alexnet::Session(alexnet::Model(ALEXNET_BUNDLED)).classify(picture(1)).probabilities();
  const size_t size = bytes.size();
  std::fill(bytes.begin(), bytes.end(), 'x');  // they were copied
  EXPECT_EQ(alexnet::Session(model).classify(picture(1)).probabilities(), expected);
  EXPECT_EQ(status_of([&] { alexnet::Model::from_memory(bytes.data(), size); }),
            ALEXNET_ERROR_BAD_FILE);
  bytes = bundled_bytes();
  EXPECT_EQ(status_of([&] { alexnet::Model::from_memory(bytes.data(), size - 1); }),
            ALEXNET_ERROR_BAD_FILE);
  bytes[size / 2] ^= 1;  // of a tensor: its checksum tells when it is read
  const alexnet::Model damaged = alexnet::Model::from_memory(bytes.data(), size);
  EXPECT_EQ(status_of([&] { alexnet::Session session(damaged); }), ALEXNET_ERROR_BAD_FILE);
  EXPECT_EQ(status_of([&] { damaged.self_test(); }), ALEXNET_ERROR_BAD_FILE);
}

TEST(CapiModels, DrawnOnesDependOnTheirSeedAlone) {
  const auto answer = [](uint64_t seed) {
    const alexnet::Model model = alexnet::Model::drawn("alexnet-cifar10", 7, 24, seed);
    EXPECT_EQ(model.labels().size(), 7u);
    EXPECT_EQ(model.input_width(), 24);
    return alexnet::Session(model, one_thread()).classify(picture(2)).probabilities();
  };
  EXPECT_EQ(answer(1), answer(1));
  EXPECT_NE(answer(1), answer(2));
  EXPECT_EQ(alexnet::Model::drawn("alexnet").parameters(), 61'100'840);  // torchvision's count
  EXPECT_EQ(alexnet::Model::drawn("alexnet").input_height(), 224);
  EXPECT_EQ(status_of([] { alexnet::Model::drawn("alexnet-2013"); }), ALEXNET_ERROR_NOT_FOUND);
  EXPECT_EQ(status_of([] { alexnet::Model::drawn("alexnet", -1); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_FALSE(alexnet::Model::drawn("alexnet-cifar10").self_test().has_value());
}

// The network of tests/specs.
std::string small_spec() {
  std::ifstream file(ALEXNET_SPECS "/small.json");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(CapiModels, OfASpecByFileAndByText) {
  const auto answer = [](const std::string& network) {
    return alexnet::Session(alexnet::Model::drawn(network)).classify(picture(1)).probabilities();
  };
  const std::string text = small_spec();
  EXPECT_EQ(answer(text), answer(ALEXNET_SPECS "/small.json"));
  const alexnet::Model model = alexnet::Model::drawn(text);
  EXPECT_EQ(model.name(), "small");
  EXPECT_EQ(model.labels(), (std::vector<std::string>{"ant", "bee", "cat"}));
  EXPECT_EQ(alexnet::Model::drawn(text, 7, 24).labels().size(), 7u);
  EXPECT_EQ(status_of([&] { alexnet::Model::drawn(text, 0, 1); }), ALEXNET_ERROR_INVALID_ARGUMENT);
  std::string wrong = text;
  wrong.replace(wrong.find("\"relu\""), 6, "\"gelu\"");
  EXPECT_EQ(status_of([&] { alexnet::Model::drawn(wrong); }), ALEXNET_ERROR_BAD_FILE);
  EXPECT_EQ(status_of([] { alexnet::Model::drawn("{"); }), ALEXNET_ERROR_BAD_FILE);
  EXPECT_EQ(status_of([] { alexnet::Model::drawn("no/such.json"); }), ALEXNET_ERROR_NOT_FOUND);
}

TEST(CapiModels, PreprocessGivesWhatClassifyReads) {
  const alexnet::Model model;
  alexnet::Session session(model, one_thread());
  const alexnet::Image image = picture(3);
  EXPECT_EQ(session.run(model.preprocess(image)).probabilities(),
            session.classify(image).probabilities());
  const alexnet::Result crops = session.run(model.preprocess(image, 10));
  ASSERT_EQ(crops.count(), 10);
  const std::vector<float> mean = session.classify(image, 10).probabilities();
  for (size_t k = 0; k < mean.size(); ++k) {
    double sum = 0;
    for (int64_t crop = 0; crop < 10; ++crop) sum += crops.probabilities(crop)[k];
    EXPECT_NEAR(sum / 10, mean[k], 1e-6);
  }
  float values[100];
  EXPECT_EQ(alexnet_model_preprocess(model.get(), image.get(), 1, values, 100),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::strstr(alexnet_last_error(), "3072"), nullptr) << alexnet_last_error();
  EXPECT_NE(model.input_json().find("\"mean\""), std::string::npos);
}

TEST(CapiModels, RefuseNumbersThatAreNone) {
  alexnet::Session session(alexnet::Model(), one_thread());
  std::vector<float> values(3 * 32 * 32, 0.5f);
  for (const float wrong : {NAN, INFINITY, -INFINITY}) {
    values[7] = wrong;
    EXPECT_EQ(status_of([&] { session.run(values); }), ALEXNET_ERROR_INVALID_ARGUMENT);
    EXPECT_NE(std::strstr(alexnet_last_error(), "value 7"), nullptr) << alexnet_last_error();
  }
}

TEST(CapiModels, AFileThatSaysItsNetworkIsNotReadIntoAnother) {
  EXPECT_EQ(status_of([] { alexnet::Model(ALEXNET_BUNDLED, "alexnet"); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::strstr(alexnet_last_error(), "of alexnet-cifar10, not of alexnet"), nullptr)
      << alexnet_last_error();
  EXPECT_EQ(status_of([] { alexnet::Model::from_memory("", 0); }), ALEXNET_ERROR_BAD_FILE);
  EXPECT_NE(std::strstr(alexnet_last_error(), "empty"), nullptr) << alexnet_last_error();
  EXPECT_EQ(status_of([] { alexnet::Image::from_memory(nullptr, 0); }), ALEXNET_ERROR_BAD_FILE);
}

TEST(CapiModels, TellTheLogWhatIsDone) {
  alexnet::Context context;
  std::mutex mutex;
  std::string lines;
  context.set_log([&](alexnet_log_level level, std::string_view line) {
    const std::lock_guard lock(mutex);
    if (level == ALEXNET_LOG_INFO) lines += std::string(line) + "\n";
  });
  const alexnet::Session session(alexnet::Model(), one_thread(4));
  EXPECT_NE(lines.find("alexnet-cifar10, 10 classes"), std::string::npos) << lines;
  EXPECT_NE(lines.find("batch 4, fp32, cpu"), std::string::npos) << lines;
}

TEST(CapiModels, TheyAndDevicesTestThemselves) {
  const std::optional<double> difference = alexnet::Model().self_test();
  ASSERT_TRUE(difference.has_value());
  EXPECT_LT(*difference, 1e-4);
  EXPECT_LT(alexnet::test_device("cpu"), 1e-5);
  EXPECT_EQ(alexnet::test_device("reference"), 0);
  EXPECT_EQ(status_of([] { alexnet::test_device("abacus"); }), ALEXNET_ERROR_NOT_FOUND);
}

TEST(CapiMemory, IsWhatThePlanSaid) {
  alexnet::Context context;
  const alexnet::Model model(context);
  const alexnet::Memory plan = alexnet::Session::plan_memory(model, one_thread(8));
  EXPECT_EQ(context.memory_in_use(), 0);
  {
    const alexnet::Session first(model, one_thread(8));
    EXPECT_EQ(first.memory().total, plan.total);
    EXPECT_EQ(context.memory_in_use(), plan.total);
    const alexnet::Session second(model, one_thread(8));
    EXPECT_EQ(context.memory_in_use(), plan.total + plan.activations);  // the weights are shared
  }
  EXPECT_LE(context.memory_in_use(), plan.weights);  // which the model may keep
  context.set_memory_limit(plan.total - 1);
  EXPECT_EQ(status_of([&] { alexnet::Session session(model, one_thread(8)); }),
            ALEXNET_ERROR_OUT_OF_MEMORY);
  context.set_memory_limit(0);
  EXPECT_EQ(status_of([&] { alexnet::Session session(model, one_thread(8)); }), ALEXNET_OK);
}

// Counts what it gives, and checks what it gets back.
struct CountingAllocator {
  std::mutex mutex;
  std::map<void*, size_t> blocks;
  int64_t given = 0;

  static void* ALEXNET_CALL allocate(void* user_data, size_t size, size_t alignment) {
    auto& self = *static_cast<CountingAllocator*>(user_data);
#if defined(_WIN32)
    void* memory = _aligned_malloc(size, alignment);
#else
    void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
#endif
    const std::lock_guard lock(self.mutex);
    self.blocks[memory] = size;
    ++self.given;
    return memory;
  }
  static void ALEXNET_CALL deallocate(void* user_data, void* memory, size_t size, size_t) {
    auto& self = *static_cast<CountingAllocator*>(user_data);
    const std::lock_guard lock(self.mutex);
    EXPECT_EQ(self.blocks.at(memory), size);
    self.blocks.erase(memory);
#if defined(_WIN32)
    _aligned_free(memory);
#else
    std::free(memory);
#endif
  }
};

TEST(CapiMemory, ComesFromTheProgramsAllocatorOnEveryThread) {
  CountingAllocator allocator;
  {
    const alexnet::Context context;
    ASSERT_EQ(alexnet_context_set_allocator(context.get(), CountingAllocator::allocate,
                                            CountingAllocator::deallocate, &allocator),
              ALEXNET_OK);
    const alexnet::Model model(context);
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        for (int round = 0; round < 3; ++round)
          alexnet::Session(model, one_thread()).classify(picture(round));
      });
    for (std::thread& thread : threads) thread.join();
    const alexnet::Session session(model, one_thread());
    int64_t bytes = 0;
    for (const auto& block : allocator.blocks) bytes += static_cast<int64_t>(block.second);
    EXPECT_EQ(bytes, context.memory_in_use());
    EXPECT_EQ(bytes, session.memory().total);
  }
  EXPECT_GT(allocator.given, 12);
  EXPECT_TRUE(allocator.blocks.empty());
}

// Two classes that are easy to tell apart.
alexnet::Dataset easy_data() {
  alexnet::Dataset data = alexnet::Dataset::in_memory({"dark", "bright"});
  for (int i = 0; i < 24; ++i) {
    const std::vector<uint8_t> pixels(16 * 16 * 3, static_cast<uint8_t>(i % 2 ? 180 + i : 40 + i));
    data.add(alexnet::Image::from_pixels(pixels.data(), 16, 16), i % 2);
  }
  return data;
}

alexnet::TrainOptions short_training() {
  alexnet::TrainOptions options;
  options.input_size = 12;
  options.epochs = 8;
  options.batch = 8;
  options.learning_rate = 0.01;
  options.threads = 1;
  return options;
}

TEST(CapiTraining, LearnsFromPicturesInMemory) {
  alexnet::Dataset data = easy_data();
  EXPECT_EQ(data.size(), 24);
  EXPECT_EQ(data.classes(), (std::vector<std::string>{"dark", "bright"}));
  EXPECT_EQ(status_of([&] { data.add(picture(1), 2); }), ALEXNET_ERROR_INVALID_ARGUMENT);
  alexnet::Context context;
  const alexnet::Memory plan =
      alexnet::Trainer::plan_memory(context, "alexnet-cifar10", 2, short_training());
  EXPECT_EQ(context.memory_in_use(), 0);
  alexnet::Trainer trainer(context, "alexnet-cifar10", data, short_training());
  EXPECT_EQ(status_of([&] { data.add(picture(1), 0); }), ALEXNET_ERROR_INVALID_STATE);
  EXPECT_EQ(plan.total, trainer.memory().total);
  EXPECT_EQ(plan.total, context.memory_in_use());
  EXPECT_EQ(plan.total, plan.weights + plan.gradients + plan.optimizer + plan.activations);
  EXPECT_GT(plan.gradients, 0);
  EXPECT_GT(plan.optimizer, 0);
  EXPECT_TRUE(trainer.run());
  const alexnet::Evaluation result = trainer.evaluate(data);
  EXPECT_EQ(result.top1, 1);
  EXPECT_EQ(result.confusion(0, 0) + result.confusion(1, 1), 24);
  EXPECT_EQ(result.confusion(0, 1), 0);
}

TEST(CapiTraining, MeasuresItsDataWhereAsked) {
  alexnet::TrainOptions options = short_training();
  options.color_noise = 0.1;
  options.mean = "color";
  alexnet::Trainer trainer("alexnet-cifar10", easy_data(), options);
  EXPECT_TRUE(trainer.run(2));
  const std::string input = trainer.model().input_json();
  EXPECT_NE(input, alexnet::Model().input_json());
  // of 40, 42, ..., and 181, 183, ...
  EXPECT_NE(input.find("\"mean\":[0.47"), std::string::npos) << input;
}

TEST(CapiTraining, TakesAllPicturesWhereTheyAreFewerThanABatch) {
  alexnet::TrainOptions options = short_training();
  options.batch.reset();
  const alexnet::Dataset data = easy_data();
  EXPECT_EQ(alexnet::Trainer("alexnet-cifar10", data, options).progress().steps_per_epoch, 1);
  options.batch = 25;
  EXPECT_EQ(status_of([&] { alexnet::Trainer("alexnet-cifar10", data, options); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
}

// Sessions of two models come and go on many threads while another trains: each answers as it does
// alone.
TEST(CapiThreads, SessionsAndTrainersDoNotDisturbEachOther) {
  const alexnet::Model bundled, drawn = alexnet::Model::drawn("alexnet-cifar10", 5, 24, 3);
  const auto answers = [&](int seed) {
    std::vector<float> all;
    for (const alexnet::Model* model : {&bundled, &drawn})
      for (const int64_t batch : {1, 3}) {
        alexnet::Session session(*model, one_thread(batch));
        const std::vector<float> one = session.classify(picture(seed)).probabilities();
        all.insert(all.end(), one.begin(), one.end());
      }
    return all;
  };
  const alexnet::Dataset data = easy_data();
  const auto trained = [&] {
    alexnet::Trainer trainer("alexnet-cifar10", data, short_training());
    trainer.run();
    return alexnet::Session(trainer.model(), one_thread()).classify(picture(5)).probabilities();
  };
  std::vector<std::vector<float>> expected;
  for (int i = 0; i < 4; ++i) expected.push_back(answers(i));
  const std::vector<float> expected_trained = trained();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 3; ++round)
        EXPECT_EQ(answers(i), expected[static_cast<size_t>(i)]);
    });
  for (int i = 0; i < 2; ++i) threads.emplace_back([&] { EXPECT_EQ(trained(), expected_trained); });
  threads.emplace_back([] {
    for (int round = 0; round < 50; ++round) {
      std::atomic<int64_t> lines{0};
      alexnet::Context context;
      context.set_log([&](alexnet_log_level, std::string_view) { ++lines; });
    }
  });
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
