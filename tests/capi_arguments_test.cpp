// Every function of the C ABI refuses what it cannot use, names the argument, and touches no
// out-parameter.
#include "capi_arguments.h"

#include <vector>

namespace {

void ALEXNET_CALL parallel_for(void*, int64_t, alexnet_part_function, void*) {}

TEST_F(Arguments, OfContextsAndDevices) {
  expect_refused({
      {"context", [&] { return alexnet_context_create(nullptr); }},
      {"threads", [&] { return alexnet_context_set_threads(nullptr, -1); }},
      {"threads", [&] { return alexnet_context_set_threads(nullptr, 4097); }},
      {"most_at_once",
       [&] { return alexnet_context_set_parallel_for(nullptr, parallel_for, nullptr, 0); }},
      {"most_at_once",
       [&] { return alexnet_context_set_parallel_for(nullptr, parallel_for, nullptr, 4097); }},
      {"count", [&] { return alexnet_device_count(nullptr); }},
      {"name", [&] { return alexnet_device_name(0, nullptr); }},
      {"index", [&] { return alexnet_device_name(-1, &text_); }},
      {"index", [&] { return alexnet_device_name(1 << 20, &text_); }},
      {"description", [&] { return alexnet_device_description(0, nullptr); }},
      {"device", [&] { return alexnet_device_probe(nullptr); }},
      {"device",
       [&] { return alexnet_device_probe_precision(nullptr, ALEXNET_PRECISION_FP32, 0); }},
      {"precision",
       [&] { return alexnet_device_probe_precision("cpu", ALEXNET_PRECISION_AS_STORED, 0); }},
      {"precision", [&] { return alexnet_device_probe_precision("cpu", 5, 1); }},
      {"count", [&] { return alexnet_network_count(nullptr); }},
      {"name", [&] { return alexnet_network_name(0, nullptr); }},
      {"index", [&] { return alexnet_network_name(INT64_MAX, &text_); }},
      {"network", [&] { return alexnet_network_weights(nullptr, &text_); }},
      {"path", [&] { return alexnet_network_weights("alexnet-cifar10", nullptr); }},
  });
}

TEST_F(Arguments, OfIndexes) {
  alexnet_index* index = nullptr;
  alexnet_neighbours* found = nullptr;
  const float features[] = {1};
  const auto create = [&](alexnet_session* with, const char* layer, const char* pictures,
                          const char* path) {
    return alexnet_index_create(with, layer, pictures, path, nullptr, nullptr, &number_, &number_);
  };
  expect_refused({
      {"session", [&] { return create(nullptr, "fc5", ".", "i.safetensors"); }},
      {"layer", [&] { return create(session, nullptr, ".", "i.safetensors"); }},
      {"pictures", [&] { return create(session, "fc5", nullptr, "i.safetensors"); }},
      {"path", [&] { return create(session, "fc5", ".", nullptr); }},
      {"path", [&] { return alexnet_index_open(nullptr, nullptr, &index); }},
      {"index", [&] { return alexnet_index_open(nullptr, "i.safetensors", nullptr); }},
      {"index", [&] { return alexnet_index_size(nullptr, &number_, &number_); }},
      {"index", [&] { return alexnet_index_layer(nullptr, &text_); }},
      {"index", [&] { return alexnet_index_search(nullptr, session, image, 1, &found); }},
      {"index", [&] { return alexnet_index_search_features(nullptr, features, 1, 1, &found); }},
      {"neighbours", [&] { return alexnet_neighbours_count(nullptr, &number_); }},
      {"neighbours", [&] { return alexnet_neighbours_get(nullptr, 0, &number_, &text_, &real_); }},
  });
  EXPECT_EQ(index, nullptr);
  EXPECT_EQ(found, nullptr);
  alexnet_index_free(nullptr);
  alexnet_neighbours_free(nullptr);
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
      {"model",
       [&] { return alexnet_model_layer_shape(nullptr, 0, &number_, &number_, &number_); }},
      {"index",
       [&] { return alexnet_model_layer_shape(model, 1000, &number_, &number_, &number_); }},
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
      {"precision", [&] { return alexnet_session_options_set_precision(options, 5); }},
      {"precision",
       [&] { return alexnet_session_options_set_precision(options, ALEXNET_PRECISION_AS_STORED); }},
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
      {"images[0] has no pixels",
       [&] { return alexnet_session_classify_images(session, images, 1, 1, &result); }},
      {"images[0]",
       [&] { return alexnet_session_classify_images(session, images + 1, 1, 1, &result); }},
      {"result", [&] { return alexnet_session_classify_images(session, images, 1, 1, nullptr); }},
      {"session", [&] { return alexnet_session_run_tensor(nullptr, pixels.data(), 1, &result); }},
      {"values", [&] { return alexnet_session_run_tensor(session, nullptr, 1, &result); }},
      {"count", [&] { return alexnet_session_run_tensor(session, pixels.data(), 0, &result); }},
      {"count",
       [&] { return alexnet_session_run_tensor(session, pixels.data(), INT64_MAX, &result); }},
      {"result", [&] { return alexnet_session_run_tensor(session, pixels.data(), 1, nullptr); }},
      {"session",
       [&] { return alexnet_session_output_shape(nullptr, "fc5", &number_, &number_, &number_); }},
      {"layer",
       [&] {
         return alexnet_session_output_shape(session, nullptr, &number_, &number_, &number_);
       }},
      {"session", [&] { return alexnet_session_features(nullptr, images, 1, "fc5", out, 1); }},
      {"layer", [&] { return alexnet_session_features(session, images, 1, nullptr, out, 1); }},
      {"values", [&] { return alexnet_session_features(session, images, 1, "fc5", nullptr, 1); }},
      {"session", [&] { return alexnet_session_memory(nullptr, &memory); }},
      {"memory", [&] { return alexnet_session_memory(session, nullptr); }},
      {"result", [&] { return alexnet_result_count(nullptr, &number_); }},
      {"result", [&] { return alexnet_result_top(nullptr, 0, 0, &number_, &text_, nullptr); }},
      {"result", [&] { return alexnet_result_probabilities(nullptr, 0, &values, &number_); }},
      {"result", [&] { return alexnet_result_features(nullptr, 0, "fc5", &values, &number_); }},
  });
  EXPECT_EQ(result, nullptr);
  ASSERT_EQ(alexnet_session_run_tensor(session, pixels.data(), 1, &result), ALEXNET_OK);
  expect_refused({
      {"images", [&] { return alexnet_result_count(result, nullptr); }},
      {"image", [&] { return alexnet_result_top(result, 1, 0, &number_, &text_, nullptr); }},
      {"rank", [&] { return alexnet_result_top(result, 0, 10, &number_, &text_, nullptr); }},
      {"image", [&] { return alexnet_result_probabilities(result, -1, &values, &number_); }},
      {"probabilities", [&] { return alexnet_result_probabilities(result, 0, nullptr, &number_); }},
      {"image", [&] { return alexnet_result_features(result, 1, "fc5", &values, &number_); }},
      {"layer", [&] { return alexnet_result_features(result, 0, nullptr, &values, &number_); }},
      {"values", [&] { return alexnet_result_features(result, 0, "fc5", nullptr, &number_); }},
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
  const auto evaluate = [&](alexnet_session* const* sessions, int64_t count,
                            const alexnet_dataset* set, int32_t crops) {
    return alexnet_session_evaluate(sessions, count, set, crops, nullptr, nullptr, &evaluation);
  };
  expect_refused({
      {"sessions", [&] { return evaluate(nullptr, 1, data, 1); }},
      {"sessions[0]", [&] { return evaluate(none, 1, data, 1); }},
      {"sessions[1]", [&] { return evaluate(twice, 2, data, 1); }},
      {"count", [&] { return evaluate(one, 0, data, 1); }},
      {"data", [&] { return evaluate(one, 1, nullptr, 1); }},
      {"evaluation",
       [&] { return alexnet_session_evaluate(one, 1, data, 1, nullptr, nullptr, nullptr); }},
      {"evaluation", [&] { return alexnet_evaluation_counts(nullptr, &number_, &number_); }},
      {"evaluation", [&] { return alexnet_evaluation_rates(nullptr, &real_, &real_, &real_); }},
      {"evaluation", [&] { return alexnet_evaluation_confusion(nullptr, 0, 0, &number_); }},
      {"evaluation", [&] { return alexnet_evaluation_class_count(nullptr, &number_); }},
      {"evaluation", [&] { return alexnet_evaluation_label(nullptr, 0, &text_); }},
  });
  EXPECT_EQ(evaluate(one, 1, data, 1), ALEXNET_ERROR_INVALID_ARGUMENT);  // no picture is in it
  EXPECT_EQ(evaluation, nullptr);
  alexnet_dataset_free(data);
}

TEST_F(Arguments, OfMemory) {
  alexnet_memory* memory = nullptr;
  ASSERT_EQ(alexnet_session_memory(session, &memory), ALEXNET_OK);
  const alexnet_allocate_callback allocate = [](void*, size_t, size_t) -> void* { return nullptr; };
  expect_refused({
      {"allocate",
       [&] { return alexnet_context_set_allocator(nullptr, allocate, nullptr, nullptr); }},
      {"bytes", [&] { return alexnet_context_set_memory_limit(nullptr, -1); }},
      {"kind", [&] { return alexnet_context_set_limit(nullptr, 5, 1); }},
      {"kind", [&] { return alexnet_context_set_limit(nullptr, -1, 1); }},
      {"value", [&] { return alexnet_context_set_limit(nullptr, ALEXNET_LIMIT_DEPTH, -1); }},
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
      {"weights",
       [&] { return alexnet_weights_tensor(nullptr, 0, &text_, &text_, nullptr, &number_); }},
      {"index",
       [&] { return alexnet_weights_tensor(weights, 1000, &text_, &text_, nullptr, &number_); }},
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
      {"precision",
       [&] {
         return alexnet_weights_convert(ALEXNET_BUNDLED, "a", nullptr, ALEXNET_PRECISION_INT8, 0);
       }},
  });
  EXPECT_EQ(made, nullptr);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(tested, -7);
  EXPECT_EQ(alexnet_weights_read(weights, "conv9.bias", &value, 1), ALEXNET_ERROR_NOT_FOUND);
  EXPECT_EQ(alexnet_weights_metadata(weights, "nothing", &text_), ALEXNET_ERROR_NOT_FOUND);
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

// These take whatever they are given.
TEST(ArgumentsOfFunctions, ThatCannotBeWrong) {
  EXPECT_STRNE(alexnet_version(), "");
  EXPECT_EQ(alexnet_abi_version(), ALEXNET_ABI_VERSION);
  EXPECT_STRNE(alexnet_build_info(), "");
  EXPECT_STREQ(alexnet_status_name(INT32_MIN), "unknown status");
  EXPECT_EQ(alexnet_context_set_log_callback(nullptr, nullptr, nullptr), ALEXNET_OK);
}

}  // namespace
