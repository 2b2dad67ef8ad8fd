// Every function of the C ABI refuses what it cannot use, names the argument, and touches no out-parameter.
#include <alexnet/alexnet.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

namespace {

// One call that must be refused, and the argument that its text must name.
struct Refusal {
  const char* argument;
  std::function<alexnet_status()> call;
};

void expect_refused(const std::vector<Refusal>& refusals) {
  for (size_t i = 0; i < refusals.size(); ++i) {
    EXPECT_EQ(refusals[i].call(), ALEXNET_ERROR_INVALID_ARGUMENT) << "call " << i << ", " << refusals[i].argument;
    EXPECT_NE(std::string(alexnet_last_error()).find(refusals[i].argument), std::string::npos)
        << "call " << i << ": " << alexnet_last_error();
  }
}

class Arguments : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    ASSERT_EQ(alexnet_model_open(nullptr, nullptr, nullptr, &model), ALEXNET_OK) << alexnet_last_error();
    ASSERT_EQ(alexnet_session_create(model, nullptr, &session), ALEXNET_OK) << alexnet_last_error();
    ASSERT_EQ(alexnet_image_create(&image), ALEXNET_OK);
    ASSERT_EQ(alexnet_weights_open(ALEXNET_BUNDLED, &weights), ALEXNET_OK) << alexnet_last_error();
  }
  static void TearDownTestSuite() {
    alexnet_weights_free(weights);
    alexnet_image_free(image);
    EXPECT_EQ(alexnet_session_free(session), ALEXNET_OK);
    alexnet_model_free(model);
  }
  // What no refused call may touch.
  static constexpr double untouched = -12345;
  int64_t number_ = -12345;
  double real_ = untouched;
  const char* text_ = "untouched";
  void TearDown() override {
    EXPECT_EQ(number_, -12345);
    EXPECT_EQ(real_, untouched);
    EXPECT_STREQ(text_, "untouched");
  }
  static inline alexnet_model* model = nullptr;
  static inline alexnet_session* session = nullptr;
  static inline alexnet_image* image = nullptr;
  static inline alexnet_weights* weights = nullptr;
};

TEST_F(Arguments, OfContextsAndDevices) {
  expect_refused({
      {"context", [&] { return alexnet_context_create(nullptr); }},
      {"threads", [&] { return alexnet_context_set_threads(nullptr, -1); }},
      {"threads", [&] { return alexnet_context_set_threads(nullptr, 4097); }},
      {"count", [&] { return alexnet_device_count(nullptr); }},
      {"name", [&] { return alexnet_device_name(0, nullptr); }},
      {"index", [&] { return alexnet_device_name(-1, &text_); }},
      {"index", [&] { return alexnet_device_name(1 << 20, &text_); }},
      {"description", [&] { return alexnet_device_description(0, nullptr); }},
      {"device", [&] { return alexnet_device_probe(nullptr); }},
      {"count", [&] { return alexnet_network_count(nullptr); }},
      {"name", [&] { return alexnet_network_name(0, nullptr); }},
      {"index", [&] { return alexnet_network_name(INT64_MAX, &text_); }},
  });
}

TEST_F(Arguments, OfModels) {
  alexnet_model* made = nullptr;
  float value = 1;
  expect_refused({
      {"model", [&] { return alexnet_model_open(nullptr, nullptr, nullptr, nullptr); }},
      {"model", [&] { return alexnet_model_name(nullptr, &text_); }},
      {"name", [&] { return alexnet_model_name(model, nullptr); }},
      {"model", [&] { return alexnet_model_class_count(nullptr, &number_); }},
      {"count", [&] { return alexnet_model_class_count(model, nullptr); }},
      {"model", [&] { return alexnet_model_label(nullptr, 0, &text_); }},
      {"class_index", [&] { return alexnet_model_label(model, 10, &text_); }},
      {"label", [&] { return alexnet_model_label(model, 0, nullptr); }},
      {"model", [&] { return alexnet_model_input_size(nullptr, &number_, &number_); }},
      {"bytes", [&] { return alexnet_model_open_memory(nullptr, nullptr, 1, nullptr, &made); }},
      {"model", [&] { return alexnet_model_open_memory(nullptr, "a", 1, nullptr, nullptr); }},
      {"network", [&] { return alexnet_model_create(nullptr, nullptr, 0, 0, 1, &made); }},
      {"classes", [&] { return alexnet_model_create(nullptr, "alexnet", -1, 0, 1, &made); }},
      {"side", [&] { return alexnet_model_create(nullptr, "alexnet", 0, -1, 1, &made); }},
      {"model", [&] { return alexnet_model_create(nullptr, "alexnet", 0, 0, 1, nullptr); }},
      {"model", [&] { return alexnet_model_input_json(nullptr, &text_); }},
      {"json", [&] { return alexnet_model_input_json(model, nullptr); }},
      {"model", [&] { return alexnet_model_preprocess(nullptr, image, 1, &value, 1); }},
      {"image", [&] { return alexnet_model_preprocess(model, nullptr, 1, &value, 1); }},
      {"image has no pixels", [&] { return alexnet_model_preprocess(model, image, 1, &value, 1); }},
      {"values", [&] { return alexnet_model_preprocess(model, image, 1, nullptr, 1); }},
      {"model", [&] { return alexnet_model_self_test(nullptr, nullptr, nullptr, &real_); }},
      {"device", [&] { return alexnet_device_self_test(nullptr, &real_); }},
      {"model", [&] { return alexnet_model_parameter_count(nullptr, &number_); }},
      {"count", [&] { return alexnet_model_parameter_count(model, nullptr); }},
      {"model", [&] { return alexnet_model_layer_count(nullptr, &number_); }},
      {"count", [&] { return alexnet_model_layer_count(model, nullptr); }},
      {"model", [&] { return alexnet_model_layer_name(nullptr, 0, &text_, &text_); }},
      {"index", [&] { return alexnet_model_layer_name(model, -1, &text_, &text_); }},
      {"model", [&] { return alexnet_model_layer_shape(nullptr, 0, &number_, &number_, &number_); }},
      {"index", [&] { return alexnet_model_layer_shape(model, 1000, &number_, &number_, &number_); }},
      {"model", [&] { return alexnet_model_layer_cost(nullptr, 0, &number_, &number_); }},
      {"index", [&] { return alexnet_model_layer_cost(model, INT64_MIN, &number_, &number_); }},
  });
}

TEST_F(Arguments, OfSessionOptions) {
  alexnet_session_options* options = nullptr;
  alexnet_memory* memory = nullptr;
  ASSERT_EQ(alexnet_session_options_create(&options), ALEXNET_OK);
  expect_refused({
      {"options", [&] { return alexnet_session_options_create(nullptr); }},
      {"options", [&] { return alexnet_session_options_set_device(nullptr, "cpu"); }},
      {"device", [&] { return alexnet_session_options_set_device(options, nullptr); }},
      {"options", [&] { return alexnet_session_options_set_threads(nullptr, 1); }},
      {"threads", [&] { return alexnet_session_options_set_threads(options, -1); }},
      {"options", [&] { return alexnet_session_options_set_batch(nullptr, 1); }},
      {"batch", [&] { return alexnet_session_options_set_batch(options, 0); }},
      {"batch", [&] { return alexnet_session_options_set_batch(options, 65537); }},
      {"options", [&] { return alexnet_session_options_set_precision(nullptr, 0); }},
      {"precision", [&] { return alexnet_session_options_set_precision(options, 4); }},
      {"precision", [&] { return alexnet_session_options_set_precision(options, ALEXNET_PRECISION_AS_STORED); }},
      {"options", [&] { return alexnet_session_options_add_output(nullptr, "fc5"); }},
      {"layer", [&] { return alexnet_session_options_add_output(options, nullptr); }},
      {"model", [&] { return alexnet_session_plan_memory(nullptr, options, &memory); }},
      {"memory", [&] { return alexnet_session_plan_memory(model, options, nullptr); }},
      {"session", [&] { return alexnet_session_create(model, options, nullptr); }},
      {"model", [&] { return alexnet_session_create(nullptr, options, &session); }},
  });
  EXPECT_EQ(memory, nullptr);
  alexnet_session_options_free(options);
}

TEST_F(Arguments, OfSessionsAndResults) {
  alexnet_result* result = nullptr;
  const alexnet_image* images[] = {image, nullptr};
  alexnet_memory* memory = nullptr;
  const float* values = nullptr;
  std::vector<float> pixels(3 * 32 * 32, 0.f);
  float* out = pixels.data();
  expect_refused({
      {"session", [&] { return alexnet_session_classify_file(nullptr, "a.jpg", &result); }},
      {"path", [&] { return alexnet_session_classify_file(session, nullptr, &result); }},
      {"result", [&] { return alexnet_session_classify_file(session, "a.jpg", nullptr); }},
      {"session", [&] { return alexnet_session_classify_memory(nullptr, "a", 1, &result); }},
      {"bytes", [&] { return alexnet_session_classify_memory(session, nullptr, 1, &result); }},
      {"result", [&] { return alexnet_session_classify_memory(session, "a", 1, nullptr); }},
      {"session", [&] { return alexnet_session_classify_images(nullptr, images, 1, 1, &result); }},
      {"images", [&] { return alexnet_session_classify_images(session, nullptr, 1, 1, &result); }},
      {"count", [&] { return alexnet_session_classify_images(session, images, 0, 1, &result); }},
      {"images[0] has no pixels", [&] { return alexnet_session_classify_images(session, images, 1, 1, &result); }},
      {"images[0]", [&] { return alexnet_session_classify_images(session, images + 1, 1, 1, &result); }},
      {"result", [&] { return alexnet_session_classify_images(session, images, 1, 1, nullptr); }},
      {"session", [&] { return alexnet_session_run_tensor(nullptr, pixels.data(), 1, &result); }},
      {"values", [&] { return alexnet_session_run_tensor(session, nullptr, 1, &result); }},
      {"count", [&] { return alexnet_session_run_tensor(session, pixels.data(), 0, &result); }},
      {"count", [&] { return alexnet_session_run_tensor(session, pixels.data(), INT64_MAX, &result); }},
      {"result", [&] { return alexnet_session_run_tensor(session, pixels.data(), 1, nullptr); }},
      {"session", [&] { return alexnet_session_output_shape(nullptr, "fc5", &number_, &number_, &number_); }},
      {"layer", [&] { return alexnet_session_output_shape(session, nullptr, &number_, &number_, &number_); }},
      {"session", [&] { return alexnet_session_features(nullptr, images, 1, "fc5", out, 1); }},
      {"layer", [&] { return alexnet_session_features(session, images, 1, nullptr, out, 1); }},
      {"values", [&] { return alexnet_session_features(session, images, 1, "fc5", nullptr, 1); }},
      {"session", [&] { return alexnet_session_memory(nullptr, &memory); }},
      {"memory", [&] { return alexnet_session_memory(session, nullptr); }},
      {"result", [&] { return alexnet_result_count(nullptr, &number_); }},
      {"result", [&] { return alexnet_result_top(nullptr, 0, 0, &number_, &text_, nullptr); }},
      {"result", [&] { return alexnet_result_probabilities(nullptr, 0, &values, &number_); }},
  });
  EXPECT_EQ(result, nullptr);
  ASSERT_EQ(alexnet_session_run_tensor(session, pixels.data(), 1, &result), ALEXNET_OK);
  expect_refused({
      {"images", [&] { return alexnet_result_count(result, nullptr); }},
      {"image", [&] { return alexnet_result_top(result, 1, 0, &number_, &text_, nullptr); }},
      {"rank", [&] { return alexnet_result_top(result, 0, 10, &number_, &text_, nullptr); }},
      {"image", [&] { return alexnet_result_probabilities(result, -1, &values, &number_); }},
      {"probabilities", [&] { return alexnet_result_probabilities(result, 0, nullptr, &number_); }},
  });
  EXPECT_EQ(values, nullptr);
  alexnet_result_free(result);
}

TEST_F(Arguments, OfImages) {
  const uint8_t pixels[12] = {};
  const uint8_t* inside = pixels;
  alexnet_image* made = nullptr;
  const auto set = [&](int64_t width, int64_t height, int64_t stride, alexnet_pixel_format format) {
    return [&, width, height, stride, format] {
      return alexnet_image_set_pixels(image, pixels, width, height, stride, format);
    };
  };
  expect_refused({
      {"image", [&] { return alexnet_image_create(nullptr); }},
      {"image", [&] { return alexnet_image_set_pixels(nullptr, pixels, 1, 1, 0, 0); }},
      {"pixels", [&] { return alexnet_image_set_pixels(image, nullptr, 1, 1, 0, 0); }},
      {"width", set(0, 1, 0, ALEXNET_PIXELS_RGB)},
      {"height", set(1, -1, 0, ALEXNET_PIXELS_RGB)},
      {"width", set(INT64_MAX, INT64_MAX, 0, ALEXNET_PIXELS_RGB)},
      {"stride", set(2, 2, 5, ALEXNET_PIXELS_RGB)},
      {"stride", set(2, 2, -5, ALEXNET_PIXELS_RGB)},
      {"format", set(1, 1, 0, 4)},
      {"format", set(1, 1, 0, -1)},
      {"path", [&] { return alexnet_image_from_file(nullptr, &made); }},
      {"image", [&] { return alexnet_image_from_file("a.jpg", nullptr); }},
      {"bytes", [&] { return alexnet_image_from_memory(nullptr, 1, &made); }},
      {"image", [&] { return alexnet_image_from_memory("a", 1, nullptr); }},
      {"image", [&] { return alexnet_image_size(nullptr, &number_, &number_); }},
      {"image", [&] { return alexnet_image_pixels(nullptr, &inside); }},
      {"pixels", [&] { return alexnet_image_pixels(image, nullptr); }},
  });
  EXPECT_EQ(made, nullptr);
  EXPECT_EQ(inside, pixels);
}

TEST_F(Arguments, OfEvaluations) {
  alexnet_evaluation* evaluation = nullptr;
  alexnet_dataset* data = nullptr;
  const char* const classes[] = {"cat"};
  ASSERT_EQ(alexnet_dataset_create(classes, 1, &data), ALEXNET_OK);
  alexnet_session* const one[] = {session};
  alexnet_session* const twice[] = {session, session};
  alexnet_session* const none[] = {nullptr};
  const auto evaluate = [&](alexnet_session* const* sessions, int64_t count, const alexnet_dataset* set,
                            int32_t crops) {
    return alexnet_session_evaluate(sessions, count, set, crops, nullptr, nullptr, &evaluation);
  };
  expect_refused({
      {"sessions", [&] { return evaluate(nullptr, 1, data, 1); }},
      {"sessions[0]", [&] { return evaluate(none, 1, data, 1); }},
      {"sessions[1]", [&] { return evaluate(twice, 2, data, 1); }},
      {"count", [&] { return evaluate(one, 0, data, 1); }},
      {"data", [&] { return evaluate(one, 1, nullptr, 1); }},
      {"evaluation", [&] { return alexnet_session_evaluate(one, 1, data, 1, nullptr, nullptr, nullptr); }},
      {"evaluation", [&] { return alexnet_evaluation_counts(nullptr, &number_, &number_); }},
      {"evaluation", [&] { return alexnet_evaluation_rates(nullptr, &real_, &real_, &real_); }},
      {"evaluation", [&] { return alexnet_evaluation_confusion(nullptr, 0, 0, &number_); }},
  });
  EXPECT_EQ(evaluate(one, 1, data, 1), ALEXNET_ERROR_BAD_FILE);  // no picture is in it
  EXPECT_EQ(evaluation, nullptr);
  alexnet_dataset_free(data);
}

TEST_F(Arguments, OfMemory) {
  alexnet_memory* memory = nullptr;
  ASSERT_EQ(alexnet_session_memory(session, &memory), ALEXNET_OK);
  const alexnet_allocate_callback allocate = [](void*, size_t, size_t) -> void* { return nullptr; };
  expect_refused({
      {"allocate", [&] { return alexnet_context_set_allocator(nullptr, allocate, nullptr, nullptr); }},
      {"bytes", [&] { return alexnet_context_set_memory_limit(nullptr, -1); }},
      {"bytes", [&] { return alexnet_context_memory_in_use(nullptr, nullptr); }},
      {"memory", [&] { return alexnet_memory_device_count(nullptr, &number_); }},
      {"count", [&] { return alexnet_memory_device_count(memory, nullptr); }},
      {"memory", [&] { return alexnet_memory_bytes(nullptr, 0, ALEXNET_MEMORY_TOTAL, &number_); }},
      {"device", [&] { return alexnet_memory_bytes(memory, 1, ALEXNET_MEMORY_TOTAL, &number_); }},
      {"device", [&] { return alexnet_memory_bytes(memory, -2, ALEXNET_MEMORY_TOTAL, &number_); }},
      {"kind", [&] { return alexnet_memory_bytes(memory, 0, 6, &number_); }},
      {"bytes", [&] { return alexnet_memory_bytes(memory, 0, ALEXNET_MEMORY_TOTAL, nullptr); }},
  });
  alexnet_memory_free(memory);
}

TEST_F(Arguments, OfWeightFiles) {
  alexnet_weights* made = nullptr;
  float value = 1;
  int32_t tested = -7;
  expect_refused({
      {"path", [&] { return alexnet_weights_open(nullptr, &made); }},
      {"weights", [&] { return alexnet_weights_open(ALEXNET_BUNDLED, nullptr); }},
      {"weights", [&] { return alexnet_weights_tensor_count(nullptr, &number_); }},
      {"count", [&] { return alexnet_weights_tensor_count(weights, nullptr); }},
      {"weights", [&] { return alexnet_weights_tensor(nullptr, 0, &text_, &text_, nullptr, &number_); }},
      {"index", [&] { return alexnet_weights_tensor(weights, 1000, &text_, &text_, nullptr, &number_); }},
      {"weights", [&] { return alexnet_weights_read(nullptr, "conv1.bias", &value, 1); }},
      {"tensor", [&] { return alexnet_weights_read(weights, nullptr, &value, 1); }},
      {"values", [&] { return alexnet_weights_read(weights, "conv1.bias", nullptr, 1); }},
      {"capacity", [&] { return alexnet_weights_read(weights, "conv1.bias", &value, 1); }},
      {"weights", [&] { return alexnet_weights_metadata(nullptr, "alexnet.model", &text_); }},
      {"key", [&] { return alexnet_weights_metadata(weights, nullptr, &text_); }},
      {"value", [&] { return alexnet_weights_metadata(weights, "alexnet.model", nullptr); }},
      {"path", [&] { return alexnet_weights_verify(nullptr, nullptr, &tested, &real_); }},
      {"from", [&] { return alexnet_weights_convert(nullptr, "a", nullptr, 0, 0); }},
      {"to", [&] { return alexnet_weights_convert(ALEXNET_BUNDLED, nullptr, nullptr, 0, 0); }},
      {"precision", [&] { return alexnet_weights_convert(ALEXNET_BUNDLED, "a", nullptr, -2, 0); }},
      {"precision", [&] { return alexnet_weights_convert(ALEXNET_BUNDLED, "a", nullptr, ALEXNET_PRECISION_INT8, 0); }},
  });
  EXPECT_EQ(made, nullptr);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(tested, -7);
  EXPECT_EQ(alexnet_weights_read(weights, "conv9.bias", &value, 1), ALEXNET_ERROR_NOT_FOUND);
  EXPECT_EQ(alexnet_weights_metadata(weights, "nothing", &text_), ALEXNET_ERROR_NOT_FOUND);
}

TEST_F(Arguments, OfDataSetsAndTrainers) {
  alexnet_dataset* data = nullptr;
  alexnet_dataset* growing = nullptr;
  alexnet_image* filled = nullptr;
  alexnet_trainer* trainer = nullptr;
  alexnet_model* copy = nullptr;
  alexnet_memory* memory = nullptr;
  alexnet_evaluation* evaluation = nullptr;
  const uint8_t pixel[] = {1, 2, 3};
  const char* const twice[] = {"cat", "cat", "dog", nullptr};
  ASSERT_EQ(alexnet_dataset_create(twice, 1, &growing), ALEXNET_OK);
  ASSERT_EQ(alexnet_image_create(&filled), ALEXNET_OK);
  ASSERT_EQ(alexnet_image_set_pixels(filled, pixel, 1, 1, 0, ALEXNET_PIXELS_RGB), ALEXNET_OK);
  expect_refused({
      {"folder", [&] { return alexnet_dataset_open(nullptr, nullptr, &data); }},
      {"data", [&] { return alexnet_dataset_open(".", nullptr, nullptr); }},
      {"class_names", [&] { return alexnet_dataset_create(nullptr, 1, &data); }},
      {"class_names[1]", [&] { return alexnet_dataset_create(twice, 2, &data); }},
      {"class_names[2]", [&] { return alexnet_dataset_create(twice + 1, 3, &data); }},
      {"count", [&] { return alexnet_dataset_create(twice, 0, &data); }},
      {"data", [&] { return alexnet_dataset_create(twice, 1, nullptr); }},
      {"data", [&] { return alexnet_dataset_add(nullptr, image, 0); }},
      {"image", [&] { return alexnet_dataset_add(growing, nullptr, 0); }},
      {"image has no pixels", [&] { return alexnet_dataset_add(growing, image, 0); }},
      {"class_index", [&] { return alexnet_dataset_add(growing, filled, 1); }},
      {"data", [&] { return alexnet_dataset_size(nullptr, &number_); }},
      {"data", [&] { return alexnet_dataset_class_count(nullptr, &number_); }},
      {"data", [&] { return alexnet_dataset_class_name(nullptr, 0, &text_); }},
      {"data", [&] { return alexnet_trainer_create(nullptr, "alexnet", nullptr, nullptr, &trainer); }},
      {"data", [&] { return alexnet_trainer_resume(nullptr, "a", nullptr, nullptr, &trainer); }},
      {"trainer", [&] { return alexnet_trainer_set_step_callback(nullptr, nullptr, nullptr); }},
      {"trainer", [&] { return alexnet_trainer_set_checkpoint(nullptr, "a", 0); }},
      {"trainer", [&] { return alexnet_trainer_step(nullptr, &real_, &real_); }},
      {"trainer", [&] { return alexnet_trainer_run(nullptr, 0); }},
      {"trainer", [&] { return alexnet_trainer_cancel(nullptr); }},
      {"trainer", [&] { return alexnet_trainer_progress(nullptr, &number_, &number_, &number_); }},
      {"trainer", [&] { return alexnet_trainer_save_checkpoint(nullptr, "a"); }},
      {"trainer", [&] { return alexnet_trainer_save_weights(nullptr, "a", 0); }},
      {"network", [&] { return alexnet_trainer_create(nullptr, nullptr, growing, nullptr, &trainer); }},
      {"network", [&] { return alexnet_trainer_plan_memory(nullptr, nullptr, 1, nullptr, &memory); }},
      {"classes", [&] { return alexnet_trainer_plan_memory(nullptr, "alexnet", 0, nullptr, &memory); }},
      {"memory", [&] { return alexnet_trainer_plan_memory(nullptr, "alexnet", 1, nullptr, nullptr); }},
      {"trainer", [&] { return alexnet_trainer_memory(nullptr, &memory); }},
      {"trainer", [&] { return alexnet_trainer_evaluate(nullptr, growing, 1, nullptr, nullptr, &evaluation); }},
      {"trainer", [&] { return alexnet_trainer_model(nullptr, &copy); }},
  });
  EXPECT_EQ(data, nullptr);
  EXPECT_EQ(trainer, nullptr);
  EXPECT_EQ(copy, nullptr);
  EXPECT_EQ(memory, nullptr);
  EXPECT_EQ(evaluation, nullptr);
  alexnet_image_free(filled);
  alexnet_dataset_free(growing);
}

TEST_F(Arguments, OfTrainOptions) {
  alexnet_train_options* options = nullptr;
  ASSERT_EQ(alexnet_train_options_create(&options), ALEXNET_OK);
  expect_refused({
      {"options", [&] { return alexnet_train_options_create(nullptr); }},
      {"options", [&] { return alexnet_train_options_set_epochs(nullptr, 1); }},
      {"epochs", [&] { return alexnet_train_options_set_epochs(options, 0); }},
      {"options", [&] { return alexnet_train_options_set_batch(nullptr, 1); }},
      {"batch", [&] { return alexnet_train_options_set_batch(options, -1); }},
      {"options", [&] { return alexnet_train_options_set_learning_rate(nullptr, 1); }},
      {"rate", [&] { return alexnet_train_options_set_learning_rate(options, std::nan("")); }},
      {"options", [&] { return alexnet_train_options_set_momentum(nullptr, 0.9); }},
      {"momentum", [&] { return alexnet_train_options_set_momentum(options, 1e300); }},
      {"options", [&] { return alexnet_train_options_set_weight_decay(nullptr, 0); }},
      {"decay", [&] { return alexnet_train_options_set_weight_decay(options, HUGE_VAL); }},
      {"options", [&] { return alexnet_train_options_set_schedule(nullptr, "cosine"); }},
      {"schedule", [&] { return alexnet_train_options_set_schedule(options, nullptr); }},
      {"schedule", [&] { return alexnet_train_options_set_schedule(options, "sometimes"); }},
      {"options", [&] { return alexnet_train_options_set_seed(nullptr, 1); }},
      {"options", [&] { return alexnet_train_options_set_device(nullptr, "cpu"); }},
      {"device", [&] { return alexnet_train_options_set_device(options, nullptr); }},
      {"options", [&] { return alexnet_train_options_set_threads(nullptr, 1); }},
      {"threads", [&] { return alexnet_train_options_set_threads(options, 4097); }},
      {"options", [&] { return alexnet_train_options_set_data_threads(nullptr, 1); }},
      {"threads", [&] { return alexnet_train_options_set_data_threads(options, 257); }},
      {"options", [&] { return alexnet_train_options_set_augmentation(nullptr, 1, 1, 0); }},
      {"pad", [&] { return alexnet_train_options_set_augmentation(options, 1, 1, -1); }},
      {"options", [&] { return alexnet_train_options_set_label_smoothing(nullptr, 0); }},
      {"smoothing", [&] { return alexnet_train_options_set_label_smoothing(options, std::nan("")); }},
      {"smoothing", [&] { return alexnet_train_options_set_label_smoothing(options, 1); }},
      {"options", [&] { return alexnet_train_options_set_dropout(nullptr, 1); }},
      {"options", [&] { return alexnet_train_options_set_initial_weights(nullptr, "a"); }},
      {"path", [&] { return alexnet_train_options_set_initial_weights(options, nullptr); }},
      {"options", [&] { return alexnet_train_options_set_input_size(nullptr, 32); }},
      {"side", [&] { return alexnet_train_options_set_input_size(options, 0); }},
  });
  alexnet_train_options_free(options);
}

TEST(Free, TakesNull) {
  alexnet_model_free(nullptr);
  alexnet_session_options_free(nullptr);
  alexnet_result_free(nullptr);
  alexnet_evaluation_free(nullptr);
  alexnet_memory_free(nullptr);
  alexnet_image_free(nullptr);
  alexnet_weights_free(nullptr);
  alexnet_dataset_free(nullptr);
  alexnet_train_options_free(nullptr);
  EXPECT_EQ(alexnet_context_free(nullptr), ALEXNET_OK);
  EXPECT_EQ(alexnet_session_free(nullptr), ALEXNET_OK);
  EXPECT_EQ(alexnet_trainer_free(nullptr), ALEXNET_OK);
}

}  // namespace
