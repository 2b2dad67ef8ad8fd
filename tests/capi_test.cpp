// The C ABI from outside, against the shared library.
#include <gtest/gtest.h>

#include <alexnet/alexnet.hpp>
#include <cstring>
#include <fstream>
#include <iterator>
#include <thread>

namespace {

const std::string cat_picture = std::string(ALEXNET_SAMPLES) + "/images/cat.jpg";

bool says(const char* part) { return std::strstr(alexnet_last_error(), part) != nullptr; }

TEST(Abi, NamesItself) {
  EXPECT_STREQ(alexnet_version(), ALEXNET_VERSION);
  EXPECT_EQ(alexnet_abi_version(), ALEXNET_ABI_VERSION);
  EXPECT_NE(std::string(alexnet_build_info()).find(ALEXNET_VERSION), std::string::npos);
  EXPECT_STREQ(alexnet_status_name(ALEXNET_ERROR_BAD_FILE), "ALEXNET_ERROR_BAD_FILE");
  EXPECT_STREQ(alexnet_status_name(12345), "unknown status");
}

TEST(Abi, ClassifiesTheSamePictureHoweverItComes) {
  const alexnet::Model model;
  EXPECT_EQ(model.name(), "alexnet-cifar10");
  EXPECT_EQ(model.labels().size(), 10u);
  alexnet::Session session(model);
  const std::vector<float> from_file = session.classify(cat_picture).probabilities();
  EXPECT_EQ(session.classify(cat_picture).top(3).front().label, "cat");
  EXPECT_EQ(session.classify(cat_picture).top(99).size(), 10u);
  std::ifstream file(cat_picture, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::vector<alexnet::Image> images;
  images.push_back(alexnet::Image::from_memory(bytes.data(), bytes.size()));
  EXPECT_EQ(session.classify(images).probabilities(), from_file);
  EXPECT_EQ(session.classify_memory(bytes.data(), bytes.size()).probabilities(), from_file);
  EXPECT_NE(session.classify(images, 10).probabilities(), from_file);
}

TEST(Abi, TakesPixelsInEveryForm) {
  // two rows of one pixel, and a gap of one byte
  const uint8_t rgb[] = {10, 20, 30, 40, 50, 60, 0, 0};
  const auto pixels = [](const alexnet::Image& image) {
    const uint8_t* data = nullptr;
    EXPECT_EQ(alexnet_image_pixels(image.get(), &data), ALEXNET_OK);
    return std::vector<uint8_t>(data, data + 6);
  };
  using V = std::vector<uint8_t>;
  EXPECT_EQ(pixels(alexnet::Image::from_pixels(rgb, 1, 2)), (V{10, 20, 30, 40, 50, 60}));
  EXPECT_EQ(pixels(alexnet::Image::from_pixels(rgb, 1, 2, 4)), (V{10, 20, 30, 50, 60, 0}));
  EXPECT_EQ(pixels(alexnet::Image::from_pixels(rgb + 3, 1, 2, -3)), (V{40, 50, 60, 10, 20, 30}));
  EXPECT_EQ(pixels(alexnet::Image::from_pixels(rgb, 1, 2, 0, ALEXNET_PIXELS_BGR)),
            (V{30, 20, 10, 60, 50, 40}));
  EXPECT_EQ(pixels(alexnet::Image::from_pixels(rgb, 1, 2, 0, ALEXNET_PIXELS_GRAY)),
            (V{10, 10, 10, 20, 20, 20}));
  const uint8_t rgba[] = {10, 20, 30, 255, 10, 20, 30, 0};  // the second is transparent: white
  EXPECT_EQ(pixels(alexnet::Image::from_pixels(rgba, 1, 2, 0, ALEXNET_PIXELS_RGBA)),
            (V{10, 20, 30, 255, 255, 255}));
  EXPECT_THROW(alexnet::Image::from_pixels(rgb, 0, 2), alexnet::Error);
  EXPECT_THROW(alexnet::Image::from_pixels(rgb, 2, 1, 5), alexnet::Error);
  EXPECT_THROW(alexnet::Image::from_pixels(rgb, 1, 1, 0, 9), alexnet::Error);
}

TEST(Abi, SaysWhatIsWrongWithFilesAndDevices) {
  alexnet_model* model = nullptr;
  EXPECT_EQ(alexnet_model_open(nullptr, "/nowhere/x.safetensors", nullptr, &model),
            ALEXNET_ERROR_NOT_FOUND);
  EXPECT_TRUE(says("/nowhere/x.safetensors"));
  EXPECT_EQ(alexnet_model_open(nullptr, cat_picture.c_str(), nullptr, &model),
            ALEXNET_ERROR_BAD_FILE);
  EXPECT_EQ(alexnet_device_probe("cpu"), ALEXNET_OK);
  EXPECT_EQ(alexnet_device_probe("cuda:0"), ALEXNET_ERROR_DEVICE);
  EXPECT_EQ(alexnet_device_probe("abacus"), ALEXNET_ERROR_NOT_FOUND);
  EXPECT_TRUE(says("cpu"));
  EXPECT_EQ(alexnet_device_probe_precision("cpu,reference", ALEXNET_PRECISION_FP32, 1), ALEXNET_OK);
  EXPECT_EQ(alexnet_device_probe_precision("reference", ALEXNET_PRECISION_INT8, 0), ALEXNET_OK);
  EXPECT_EQ(alexnet_device_probe_precision("reference", ALEXNET_PRECISION_INT8, 1),
            ALEXNET_ERROR_UNSUPPORTED);
  EXPECT_TRUE(says("reference trains in fp32, not in int8"));
  EXPECT_EQ(alexnet_device_probe_precision("cuda:0", ALEXNET_PRECISION_FP32, 0),
            ALEXNET_ERROR_DEVICE);
  for (const alexnet::Device& device : alexnet::devices())
    EXPECT_EQ(device.usable,
              !device.inference.empty() && device.training.front() == ALEXNET_PRECISION_FP32);
  alexnet::SessionOptions options;
  options.precision = ALEXNET_PRECISION_TF32;  // which GPUs alone take
  EXPECT_THROW(alexnet::Session(alexnet::Model(), options), alexnet::Error);
  options = {};
  options.outputs = {"fc9"};
  EXPECT_THROW(alexnet::Session(alexnet::Model(), options), alexnet::Error);
}

TEST(Abi, LimitsOfAContextHoldForWhatItReads) {
  alexnet::Context context;
  context.set_limit(ALEXNET_LIMIT_PIXELS, 10000);
  const alexnet::Model model(context);
  alexnet::Session session(model);
  EXPECT_THROW(session.classify(cat_picture), alexnet::Error);
  EXPECT_TRUE(says("10000"));
  context.set_limit(ALEXNET_LIMIT_PIXELS, 0);
  EXPECT_NO_THROW(session.classify(cat_picture));
  EXPECT_NO_THROW(alexnet::Image::from_file(cat_picture));  // goes by the standard context
  alexnet::Context::standard().set_limit(ALEXNET_LIMIT_BYTES, 100);
  EXPECT_THROW(alexnet::Image::from_file(cat_picture), alexnet::Error);
  alexnet::Context::standard().set_limit(ALEXNET_LIMIT_BYTES, 0);
  context.set_limit(ALEXNET_LIMIT_ITEMS, 3);
  EXPECT_THROW(alexnet::Model(context, ALEXNET_BUNDLED), alexnet::Error);
}

TEST(Abi, HandlesAreFreedInAnyOrder) {
  alexnet_model* model = nullptr;
  alexnet_session* session = nullptr;
  alexnet_result* result = nullptr;
  const char* label = nullptr;
  ASSERT_EQ(alexnet_model_open(nullptr, nullptr, nullptr, &model), ALEXNET_OK);
  ASSERT_EQ(alexnet_session_create(model, nullptr, &session), ALEXNET_OK);
  alexnet_model_free(model);
  ASSERT_EQ(alexnet_session_classify_file(session, cat_picture.c_str(), &result), ALEXNET_OK);
  EXPECT_EQ(alexnet_session_free(session), ALEXNET_OK);
  ASSERT_EQ(alexnet_result_top(result, 0, 0, nullptr, &label, nullptr), ALEXNET_OK);
  EXPECT_STREQ(label, "cat");
  EXPECT_EQ(alexnet_result_top(result, 1, 0, nullptr, &label, nullptr),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_TRUE(says("image"));
  alexnet_result_free(result);
}

TEST(Abi, TellsMemoryBeforeAndAfter) {
  const alexnet::Model model;
  const alexnet::Memory before = alexnet::Session::plan_memory(model),
                        after = alexnet::Session(model).memory();
  EXPECT_EQ(before.weights, after.weights);
  EXPECT_EQ(before.activations, after.activations);
  EXPECT_GT(before.weights, 454858 * 4 - 1);
  EXPECT_LE(before.workspace, before.activations);
  EXPECT_EQ(before.gradients + before.optimizer, 0);
  EXPECT_EQ(before.total, before.weights + before.activations);
}

TEST(Abi, GivesFeatures) {
  const alexnet::Model model;
  alexnet::SessionOptions options;
  options.outputs = {"fc5"};
  alexnet::Session session(model, options);
  std::vector<alexnet::Image> images;
  images.push_back(alexnet::Image::from_file(cat_picture));
  EXPECT_EQ(session.features(images, "fc5").size(), 192u);
  EXPECT_THROW(session.features(images, "conv1"), alexnet::Error);
}

TEST(Threads, ShareAModelAndKeepTheirErrors) {
  const alexnet::Model model;
  alexnet::SessionOptions options;
  options.threads = 1;
  const std::vector<float> alone =
      alexnet::Session(model, options).classify(cat_picture).probabilities();
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&, i] {
      for (int round = 0; round < 5; ++round) {
        alexnet::Session session(model, options);
        EXPECT_EQ(session.classify(cat_picture).probabilities(), alone);
        const std::string missing = "/nowhere/" + std::to_string(i);
        alexnet_image* image = nullptr;
        EXPECT_EQ(alexnet_image_from_file(missing.c_str(), &image), ALEXNET_ERROR_NOT_FOUND);
        EXPECT_NE(std::string(alexnet_last_error()).find(missing), std::string::npos);
      }
    });
  for (std::thread& thread : threads) thread.join();
}

TEST(Weights, AreVerified) {
  int32_t tested = 0;
  double difference = 1;
  EXPECT_EQ(alexnet_weights_verify(ALEXNET_BUNDLED, nullptr, &tested, &difference), ALEXNET_OK)
      << alexnet_last_error();
  EXPECT_EQ(tested, 1);
  EXPECT_LT(difference, 1e-4);
  EXPECT_EQ(alexnet_weights_verify(cat_picture.c_str(), nullptr, nullptr, nullptr),
            ALEXNET_ERROR_BAD_FILE);
}

}  // namespace
