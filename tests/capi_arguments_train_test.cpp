// The same of data sets, trainers and what they give.
#include <algorithm>
#include <cmath>
#include <ctime>
#include <string>
#include <vector>

#include "capi_arguments.h"

namespace {

// Processor time, the least of three.
double seconds_to_create(int64_t classes) {
  std::vector<std::string> names;
  std::vector<const char*> pointers;
  for (int64_t i = 0; i < classes; ++i) names.push_back("class " + std::to_string(i));
  for (const std::string& name : names) pointers.push_back(name.c_str());
  double least = 1e9;
  for (int i = 0; i < 3; ++i) {
    alexnet_dataset* data = nullptr;
    const std::clock_t begin = std::clock();
    EXPECT_EQ(alexnet_dataset_create(pointers.data(), classes, &data), ALEXNET_OK);
    least = std::min(least, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    alexnet_dataset_free(data);
  }
  return least;
}

// By the square it would be a hundred times; a busy machine makes no fifty of ten.
TEST_F(Arguments, TenTimesTheClassesCostAboutTenTimes) {
  EXPECT_LT(seconds_to_create(100'000), 50 * seconds_to_create(10'000));
}

TEST_F(Arguments, OfDataSets) {
  alexnet_dataset* data = nullptr;
  alexnet_dataset* growing = nullptr;
  alexnet_image* filled = nullptr;
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
      {"images", [&] { return alexnet_dataset_size(growing, nullptr); }},
      {"data", [&] { return alexnet_dataset_class_count(nullptr, &number_); }},
      {"count", [&] { return alexnet_dataset_class_count(growing, nullptr); }},
      {"data", [&] { return alexnet_dataset_class_name(nullptr, 0, &text_); }},
      {"name", [&] { return alexnet_dataset_class_name(growing, 0, nullptr); }},
      {"class_index", [&] { return alexnet_dataset_class_name(growing, 1, &text_); }},
  });
  EXPECT_EQ(data, nullptr);
  alexnet_image_free(filled);
  alexnet_dataset_free(growing);
}

TEST_F(Arguments, OfTrainers) {
  alexnet_dataset* growing = nullptr;
  alexnet_trainer* trainer = nullptr;
  alexnet_model* copy = nullptr;
  alexnet_memory* memory = nullptr;
  alexnet_evaluation* evaluation = nullptr;
  const char* const names[] = {"cat"};
  ASSERT_EQ(alexnet_dataset_create(names, 1, &growing), ALEXNET_OK);
  expect_refused({
      {"data",
       [&] { return alexnet_trainer_create(nullptr, "alexnet", nullptr, nullptr, &trainer); }},
      {"data", [&] { return alexnet_trainer_resume(nullptr, "a", nullptr, nullptr, &trainer); }},
      {"trainer", [&] { return alexnet_trainer_set_step_callback(nullptr, nullptr, nullptr); }},
      {"trainer", [&] { return alexnet_trainer_set_checkpoint(nullptr, "a", 0); }},
      {"trainer", [&] { return alexnet_trainer_set_checkpoint_minutes(nullptr, 1); }},
      {"trainer", [&] { return alexnet_trainer_set_best(nullptr, "a"); }},
      {"trainer", [&] { return alexnet_trainer_step(nullptr, &real_, &real_); }},
      {"trainer", [&] { return alexnet_trainer_run(nullptr, 0); }},
      {"trainer", [&] { return alexnet_trainer_cancel(nullptr); }},
      {"trainer", [&] { return alexnet_trainer_progress(nullptr, &number_, &number_, &number_); }},
      {"trainer", [&] { return alexnet_trainer_save_checkpoint(nullptr, "a"); }},
      {"trainer", [&] { return alexnet_trainer_save_weights(nullptr, "a", 0); }},
      {"network",
       [&] { return alexnet_trainer_create(nullptr, nullptr, growing, nullptr, &trainer); }},
      {"network",
       [&] { return alexnet_trainer_plan_memory(nullptr, nullptr, 1, nullptr, &memory); }},
      {"classes",
       [&] { return alexnet_trainer_plan_memory(nullptr, "alexnet", 0, nullptr, &memory); }},
      {"memory",
       [&] { return alexnet_trainer_plan_memory(nullptr, "alexnet", 1, nullptr, nullptr); }},
      {"trainer", [&] { return alexnet_trainer_memory(nullptr, &memory); }},
      {"trainer",
       [&] {
         return alexnet_trainer_evaluate(nullptr, growing, 1, nullptr, nullptr, &evaluation);
       }},
      {"trainer", [&] { return alexnet_trainer_model(nullptr, &copy); }},
  });
  EXPECT_EQ(trainer, nullptr);
  EXPECT_EQ(copy, nullptr);
  EXPECT_EQ(memory, nullptr);
  EXPECT_EQ(evaluation, nullptr);
  alexnet_dataset_free(growing);
}

// What a trainer and an evaluation that exist refuse.
TEST_F(Arguments, OfTrainersAndEvaluationsMade) {
  alexnet_dataset* data = nullptr;
  alexnet_image* filled = nullptr;
  alexnet_train_options* options = nullptr;
  alexnet_trainer *trainer = nullptr, *none = nullptr;
  alexnet_evaluation* evaluation = nullptr;
  const uint8_t pixel[] = {1, 2, 3};
  const char* const classes[] = {"cat"};
  ASSERT_EQ(alexnet_dataset_create(classes, 1, &data), ALEXNET_OK);
  ASSERT_EQ(alexnet_image_create(&filled), ALEXNET_OK);
  ASSERT_EQ(alexnet_image_set_pixels(filled, pixel, 1, 1, 0, ALEXNET_PIXELS_RGB), ALEXNET_OK);
  ASSERT_EQ(alexnet_dataset_add(data, filled, 0), ALEXNET_OK);
  ASSERT_EQ(alexnet_train_options_create(&options), ALEXNET_OK);
  ASSERT_EQ(alexnet_train_options_set_batch(options, 1), ALEXNET_OK);
  ASSERT_EQ(alexnet_trainer_create(nullptr, "alexnet-cifar10", data, options, &trainer), ALEXNET_OK)
      << alexnet_last_error();
  ASSERT_EQ(alexnet_session_evaluate(&session, 1, data, 1, nullptr, nullptr, &evaluation),
            ALEXNET_OK)
      << alexnet_last_error();
  expect_refused({
      {"trainer",
       [&] { return alexnet_trainer_create(nullptr, "alexnet-cifar10", data, options, nullptr); }},
      {"checkpoint",
       [&] { return alexnet_trainer_resume(nullptr, nullptr, data, options, &none); }},
      {"trainer", [&] { return alexnet_trainer_resume(nullptr, "a", data, options, nullptr); }},
      {"every", [&] { return alexnet_trainer_set_checkpoint(trainer, "a", -1); }},
      {"path", [&] { return alexnet_trainer_set_checkpoint(trainer, "", 0); }},
      {"minutes", [&] { return alexnet_trainer_set_checkpoint_minutes(trainer, -1); }},
      {"path", [&] { return alexnet_trainer_set_best(trainer, ""); }},
      {"steps", [&] { return alexnet_trainer_run(trainer, -1); }},
      {"path", [&] { return alexnet_trainer_save_checkpoint(trainer, nullptr); }},
      {"path",
       [&] { return alexnet_trainer_save_weights(trainer, nullptr, ALEXNET_PRECISION_FP32); }},
      {"precision",
       [&] { return alexnet_trainer_save_weights(trainer, "a", ALEXNET_PRECISION_INT8); }},
      {"precision",
       [&] { return alexnet_trainer_save_weights(trainer, "a", ALEXNET_PRECISION_AS_STORED); }},
      {"data",
       [&] {
         return alexnet_trainer_evaluate(trainer, nullptr, 1, nullptr, nullptr, &evaluation);
       }},
      {"evaluation",
       [&] { return alexnet_trainer_evaluate(trainer, data, 1, nullptr, nullptr, nullptr); }},
      {"memory", [&] { return alexnet_trainer_memory(trainer, nullptr); }},
      {"model", [&] { return alexnet_trainer_model(trainer, nullptr); }},
      {"crops",
       [&] {
         return alexnet_session_evaluate(&session, 1, data, 2, nullptr, nullptr, &evaluation);
       }},
      {"images", [&] { return alexnet_evaluation_confusion(evaluation, 0, 0, nullptr); }},
      {"truth", [&] { return alexnet_evaluation_confusion(evaluation, 10, 0, &number_); }},
      {"answer", [&] { return alexnet_evaluation_confusion(evaluation, 0, -1, &number_); }},
  });
  EXPECT_EQ(none, nullptr);
  EXPECT_EQ(alexnet_trainer_free(trainer), ALEXNET_OK);
  alexnet_evaluation_free(evaluation);
  alexnet_train_options_free(options);
  alexnet_image_free(filled);
  alexnet_dataset_free(data);
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
      {"options",
       [&] { return alexnet_train_options_set_precision(nullptr, ALEXNET_PRECISION_FP32); }},
      {"precision", [&] { return alexnet_train_options_set_precision(options, 9); }},
      {"options", [&] { return alexnet_train_options_set_parallelism(nullptr, "data"); }},
      {"parallelism", [&] { return alexnet_train_options_set_parallelism(options, nullptr); }},
      {"parallelism", [&] { return alexnet_train_options_set_parallelism(options, "model"); }},
      {"options", [&] { return alexnet_train_options_set_threads(nullptr, 1); }},
      {"threads", [&] { return alexnet_train_options_set_threads(options, 4097); }},
      {"options", [&] { return alexnet_train_options_set_data_threads(nullptr, 1); }},
      {"threads", [&] { return alexnet_train_options_set_data_threads(options, 257); }},
      {"options", [&] { return alexnet_train_options_set_augmentation(nullptr, 1, 1, 0); }},
      {"pad", [&] { return alexnet_train_options_set_augmentation(options, 1, 1, -1); }},
      {"options", [&] { return alexnet_train_options_set_color_noise(nullptr, 0); }},
      {"deviation", [&] { return alexnet_train_options_set_color_noise(options, -1); }},
      {"deviation", [&] { return alexnet_train_options_set_color_noise(options, std::nan("")); }},
      {"options", [&] { return alexnet_train_options_set_layer_rate(nullptr, "conv1", 0); }},
      {"layer", [&] { return alexnet_train_options_set_layer_rate(options, nullptr, 0); }},
      {"factor", [&] { return alexnet_train_options_set_layer_rate(options, "conv1", -1); }},
      {"options", [&] { return alexnet_train_options_set_mean(nullptr, "fixed"); }},
      {"mean", [&] { return alexnet_train_options_set_mean(options, nullptr); }},
      {"mean", [&] { return alexnet_train_options_set_mean(options, "colour"); }},
      {"options", [&] { return alexnet_train_options_set_label_smoothing(nullptr, 0); }},
      {"smoothing",
       [&] { return alexnet_train_options_set_label_smoothing(options, std::nan("")); }},
      {"smoothing", [&] { return alexnet_train_options_set_label_smoothing(options, 1); }},
      {"options", [&] { return alexnet_train_options_set_dropout(nullptr, 1); }},
      {"options", [&] { return alexnet_train_options_set_new_head(nullptr, 1); }},
      {"options", [&] { return alexnet_train_options_set_initial_weights(nullptr, "a"); }},
      {"path", [&] { return alexnet_train_options_set_initial_weights(options, nullptr); }},
      {"options", [&] { return alexnet_train_options_set_input_size(nullptr, 32); }},
      {"side", [&] { return alexnet_train_options_set_input_size(options, 0); }},
      {"options", [&] { return alexnet_train_options_set_validation(nullptr, nullptr); }},
  });
  alexnet_train_options_free(options);
}

TEST_F(Arguments, OfWhatTrainingSplitsOffWeighsAndFreezes) {
  alexnet_train_options* options = nullptr;
  ASSERT_EQ(alexnet_train_options_create(&options), ALEXNET_OK);
  expect_refused({
      {"options", [&] { return alexnet_train_options_set_validation_share(nullptr, 0.1); }},
      {"share", [&] { return alexnet_train_options_set_validation_share(options, 0.6); }},
      {"share", [&] { return alexnet_train_options_set_validation_share(options, std::nan("")); }},
      {"options", [&] { return alexnet_train_options_set_class_weights(nullptr, "none"); }},
      {"weights", [&] { return alexnet_train_options_set_class_weights(options, nullptr); }},
      {"class weights", [&] { return alexnet_train_options_set_class_weights(options, "fair"); }},
      {"options", [&] { return alexnet_train_options_set_freeze(nullptr, "none"); }},
      {"layers", [&] { return alexnet_train_options_set_freeze(options, nullptr); }},
      {"frozen", [&] { return alexnet_train_options_set_freeze(options, "all"); }},
  });
  alexnet_train_options_free(options);
}

}  // namespace
