// Weight files of a released format: every value is read and every answer computed as when they were frozen.
#include <alexnet/alexnet.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

namespace {

using nlohmann::json;

const std::string file = std::string(ALEXNET_FROZEN_WEIGHTS) + "/format-1.safetensors";

const json& frozen() {
  static const json numbers = json::parse(std::ifstream(std::string(ALEXNET_FROZEN_WEIGHTS) + "/format-1.json"));
  return numbers;
}

void expect_tensor(const alexnet_weights* weights, const std::string& name, const json& expected, double tolerance) {
  const auto count = static_cast<size_t>(expected["count"]);
  std::vector<float> values(count);
  ASSERT_EQ(alexnet_weights_read(weights, name.c_str(), values.data(), static_cast<int64_t>(count)), ALEXNET_OK)
      << alexnet_last_error();
  double sum = 0;
  for (const float value : values) sum += value;
  EXPECT_NEAR(sum, expected["sum"].get<double>(), tolerance) << name;
  EXPECT_NEAR(values.front(), expected["first"].get<double>(), tolerance) << name;
  EXPECT_NEAR(values.back(), expected["last"].get<double>(), tolerance) << name;
}

void expect_tensors(const std::string& path, bool as_stored, double tolerance) {
  alexnet_weights* weights = nullptr;
  ASSERT_EQ(alexnet_weights_open(path.c_str(), &weights), ALEXNET_OK) << alexnet_last_error();
  int64_t count = 0;
  ASSERT_EQ(alexnet_weights_tensor_count(weights, &count), ALEXNET_OK);
  for (int64_t i = 0; i < count; ++i) {
    const char *name = nullptr, *type = nullptr;
    const int64_t* dimensions = nullptr;
    int64_t rank = 0;
    ASSERT_EQ(alexnet_weights_tensor(weights, i, &name, &type, &dimensions, &rank), ALEXNET_OK);
    ASSERT_TRUE(frozen()["tensors"].contains(name)) << name;
    const json& expected = frozen()["tensors"][name];
    const std::string stored = as_stored ? expected["type"].get<std::string>() : type;
    EXPECT_EQ(type, stored) << name;
    EXPECT_EQ(std::vector<int64_t>(dimensions, dimensions + rank), expected["shape"].get<std::vector<int64_t>>());
    if (as_stored || !std::string(name).starts_with("selftest.")) expect_tensor(weights, name, expected, tolerance);
  }
  EXPECT_TRUE(!as_stored || count == static_cast<int64_t>(frozen()["tensors"].size()));
  alexnet_weights_free(weights);
}

// Probabilities of the frozen picture, which needs no resizing.
std::vector<float> answer(const std::string& path) {
  const std::vector<uint8_t> pixels = frozen()["picture"];
  const int64_t side = frozen()["side"];
  alexnet_model* model = nullptr;
  alexnet_session* session = nullptr;
  alexnet_image* image = nullptr;
  alexnet_result* result = nullptr;
  const float* probabilities = nullptr;
  int64_t classes = 0;
  EXPECT_EQ(alexnet_model_open(nullptr, path.c_str(), nullptr, &model), ALEXNET_OK) << alexnet_last_error();
  EXPECT_EQ(alexnet_session_create(model, nullptr, &session), ALEXNET_OK) << alexnet_last_error();
  EXPECT_EQ(alexnet_image_create(&image), ALEXNET_OK);
  EXPECT_EQ(alexnet_image_set_pixels(image, pixels.data(), side, side, 0, ALEXNET_PIXELS_RGB), ALEXNET_OK);
  const alexnet_image* images[] = {image};
  EXPECT_EQ(alexnet_session_classify_images(session, images, 1, 1, &result), ALEXNET_OK) << alexnet_last_error();
  EXPECT_EQ(alexnet_result_probabilities(result, 0, &probabilities, &classes), ALEXNET_OK);
  std::vector<float> all(probabilities, probabilities + classes);
  alexnet_result_free(result);
  alexnet_image_free(image);
  EXPECT_EQ(alexnet_session_free(session), ALEXNET_OK);
  alexnet_model_free(model);
  return all;
}

void expect_answer(const std::string& path, double tolerance) {
  const std::vector<double> expected = frozen()["probabilities"];
  const std::vector<float> got = answer(path);
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) EXPECT_NEAR(got[i], expected[i], tolerance) << i;
}

TEST(Frozen, TensorsOfEveryType) { expect_tensors(file, true, 1e-6); }

TEST(Frozen, AnswersAsItDid) { expect_answer(file, 1e-5); }

TEST(Frozen, IsSound) {
  int32_t tested = 0;
  double difference = 1;
  EXPECT_EQ(alexnet_weights_verify(file.c_str(), nullptr, &tested, &difference), ALEXNET_OK) << alexnet_last_error();
  EXPECT_EQ(tested, 1);
  EXPECT_LT(difference, 1e-5);
}

TEST(Frozen, MetadataMeansWhatItDid) {
  alexnet_weights* weights = nullptr;
  alexnet_model* model = nullptr;
  const char* text = nullptr;
  ASSERT_EQ(alexnet_weights_open(file.c_str(), &weights), ALEXNET_OK) << alexnet_last_error();
  EXPECT_EQ(alexnet_weights_metadata(weights, "alexnet.format", &text), ALEXNET_OK);
  EXPECT_STREQ(text, "1");
  EXPECT_EQ(alexnet_weights_metadata(weights, "note", &text), ALEXNET_OK);
  EXPECT_STREQ(text, "a key that no reader knows");
  alexnet_weights_free(weights);
  ASSERT_EQ(alexnet_model_open(nullptr, file.c_str(), nullptr, &model), ALEXNET_OK) << alexnet_last_error();
  EXPECT_EQ(alexnet_model_name(model, &text), ALEXNET_OK);
  EXPECT_STREQ(text, "fig1-relu");
  for (int64_t i = 0; i < static_cast<int64_t>(frozen()["labels"].size()); ++i) {
    EXPECT_EQ(alexnet_model_label(model, i, &text), ALEXNET_OK);
    EXPECT_EQ(text, frozen()["labels"][static_cast<size_t>(i)].get<std::string>());
  }
  alexnet_model_free(model);
}

TEST(Frozen, ConvertsToEveryType) {
  const struct {
    alexnet_precision precision;
    double tensors, answer;
  } kinds[] = {{ALEXNET_PRECISION_AS_STORED, 1e-6, 1e-5},
               {ALEXNET_PRECISION_FP32, 1e-6, 1e-5},
               {ALEXNET_PRECISION_FP16, 0.05, 1e-3},
               {ALEXNET_PRECISION_BF16, 0.3, 0.01}};
  for (const auto& kind : kinds) {
    const std::string to = "converted-" + std::to_string(kind.precision) + ".safetensors";
    ASSERT_EQ(alexnet_weights_convert(file.c_str(), to.c_str(), nullptr, kind.precision, 0), ALEXNET_OK)
        << alexnet_last_error();
    expect_tensors(to, false, kind.tensors);
    expect_answer(to, kind.answer);
    EXPECT_EQ(alexnet_weights_verify(to.c_str(), nullptr, nullptr, nullptr), ALEXNET_OK) << alexnet_last_error();
    std::filesystem::remove(to);
  }
}

}  // namespace
