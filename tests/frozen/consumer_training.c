// The half of consumer that learns, and reads and writes weight files.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer.h"

#define CLASSES 3
#define IMAGES 24
#define STEPS 12

struct path {
  char text[1000];
};

static struct path in_folder(const char* folder, const char* name) {
  struct path path;
  snprintf(path.text, sizeof path.text, "%s/%s", folder, name);
  return path;
}

static alexnet_dataset* make_data(void) {
  static const char* const names[CLASSES] = {"red", "gr\xc3\xbcn", "blue"};
  alexnet_dataset* data = NULL;
  const char* name = NULL;
  int64_t i, size = 0, classes = 0;
  OK(alexnet_dataset_create(names, CLASSES, &data));
  for (i = 0; i < IMAGES; ++i) {
    alexnet_image* image = make_image(i % CLASSES, (int)i);
    OK(alexnet_dataset_add(data, image, i % CLASSES));
    alexnet_image_free(image);
  }
  OK(alexnet_dataset_size(data, &size));
  OK(alexnet_dataset_class_count(data, &classes));
  OK(alexnet_dataset_class_name(data, 1, &name));
  EXPECT(size == IMAGES && classes == CLASSES && strcmp(name, names[1]) == 0);
  return data;
}

// 3 steps an epoch, 4 epochs.
static alexnet_train_options* make_options(int32_t threads) {
  alexnet_train_options* options = NULL;
  OK(alexnet_train_options_create(&options));
  OK(alexnet_train_options_set_epochs(options, 4));
  OK(alexnet_train_options_set_batch(options, 8));
  OK(alexnet_train_options_set_learning_rate(options, 0.02));
  OK(alexnet_train_options_set_momentum(options, 0.9));
  OK(alexnet_train_options_set_weight_decay(options, 1e-4));
  OK(alexnet_train_options_set_schedule(options, "steps:2,3:0.5"));
  OK(alexnet_train_options_set_seed(options, 7));
  OK(alexnet_train_options_set_device(options, "cpu"));
  OK(alexnet_train_options_set_threads(options, threads));
  OK(alexnet_train_options_set_data_threads(options, 0));
  OK(alexnet_train_options_set_augmentation(options, 1, 1, 1));
  OK(alexnet_train_options_set_label_smoothing(options, 0.05));
  OK(alexnet_train_options_set_dropout(options, 0));
  OK(alexnet_train_options_set_input_size(options, SIDE));
  return options;
}

static alexnet_trainer* make_trainer(const alexnet_dataset* data) {
  alexnet_train_options* options = make_options(1);
  alexnet_trainer* trainer = NULL;
  OK(alexnet_trainer_create(NULL, "alexnet-cifar10", data, options, &trainer));
  alexnet_train_options_free(options);
  return trainer;
}

struct steps {
  alexnet_trainer* trainer;
  int64_t cancel_after;  // 0: never
  int64_t count;
  double first_loss, last_loss;
};

static void ALEXNET_CALL on_step(void* user_data, const alexnet_step* step) {
  struct steps* steps = user_data;
  alexnet_memory* memory = NULL;
  if (steps->count++ == 0) steps->first_loss = step->loss;
  steps->last_loss = step->loss;
  EXPECT(step->size >= (int64_t)sizeof(alexnet_step));
  EXPECT(step->total_steps == STEPS && step->step >= 1 && step->step <= STEPS);
  EXPECT(fabs(step->epoch - (double)step->step / 3) < 1e-9);
  EXPECT(step->loss > 0 && step->accuracy >= 0 && step->accuracy <= 1 && step->rate > 0);
  EXPECT(step->seconds >= step->waited && step->waited >= 0);
  EXPECT(alexnet_trainer_memory(steps->trainer, &memory) == ALEXNET_ERROR_INVALID_STATE);
  if (step->step == steps->cancel_after) OK(alexnet_trainer_cancel(steps->trainer));
}

static void expect_progress(alexnet_trainer* trainer, int64_t expected) {
  int64_t done = 0, total = 0, each = 0;
  OK(alexnet_trainer_progress(trainer, &done, &total, &each));
  EXPECT(done == expected && total == STEPS && each == 3);
}

// Runs to the end and leaves weights in `path`.
static void run_whole(const alexnet_dataset* data, const char* path) {
  struct steps steps = {NULL, 0, 0, 0, 0};
  alexnet_trainer* trainer = make_trainer(data);
  alexnet_evaluation* evaluation = NULL;
  double loss = 0, accuracy = -1, top1 = 0, top5 = 0;
  int64_t images = 0, broken = -1, right = 0, sum = 0, i;
  OK(alexnet_trainer_step(trainer, &loss, &accuracy));
  EXPECT(loss > 0 && accuracy >= 0);
  steps.trainer = trainer;
  OK(alexnet_trainer_set_step_callback(trainer, on_step, &steps));
  OK(alexnet_trainer_run(trainer, 0));
  EXPECT(steps.count == STEPS - 1 && steps.last_loss < steps.first_loss);
  EXPECT(alexnet_trainer_step(trainer, NULL, NULL) == ALEXNET_ERROR_INVALID_STATE);
  OK(alexnet_trainer_evaluate(trainer, data, 1, NULL, NULL, &evaluation));
  OK(alexnet_evaluation_counts(evaluation, &images, &broken));
  OK(alexnet_evaluation_rates(evaluation, &top1, &top5, &loss));
  for (i = 0; i < CLASSES * CLASSES; ++i) {
    int64_t count = 0;
    OK(alexnet_evaluation_confusion(evaluation, i / CLASSES, i % CLASSES, &count));
    sum += count;
    if (i / CLASSES == i % CLASSES) right += count;
  }
  EXPECT(images == IMAGES && broken == 0 && sum == IMAGES && fabs(top1 - (double)right / IMAGES) < 1e-9);
  EXPECT(top1 > 0.6 && top5 == 1 && loss > 0);
  alexnet_evaluation_free(evaluation);
  OK(alexnet_trainer_save_weights(trainer, path, ALEXNET_PRECISION_FP32));
  OK(alexnet_trainer_free(trainer));
}

// Is cancelled from its callback on the way, with a checkpoint left behind.
static void run_part(const alexnet_dataset* data, const char* checkpoint) {
  struct steps steps = {NULL, 5, 0, 0, 0};
  alexnet_trainer* trainer = make_trainer(data);
  alexnet_model* model = NULL;
  alexnet_memory* memory = NULL;
  int64_t gradients = 0;
  steps.trainer = trainer;
  OK(alexnet_trainer_set_checkpoint(trainer, checkpoint, 100));
  OK(alexnet_trainer_set_step_callback(trainer, on_step, &steps));
  EXPECT(alexnet_trainer_run(trainer, 0) == ALEXNET_ERROR_CANCELLED);
  OK(alexnet_trainer_set_step_callback(trainer, NULL, NULL));
  expect_progress(trainer, 5);
  OK(alexnet_trainer_memory(trainer, &memory));
  OK(alexnet_memory_bytes(memory, 0, ALEXNET_MEMORY_GRADIENTS, &gradients));
  EXPECT(gradients > 0 && steps.count == 5);
  alexnet_memory_free(memory);
  OK(alexnet_trainer_model(trainer, &model));
  OK(alexnet_trainer_save_checkpoint(trainer, checkpoint));
  OK(alexnet_trainer_free(trainer));
  alexnet_model_free(model);
}

struct lines {
  int count;
  alexnet_log_level highest;
};

static void ALEXNET_CALL on_log(void* user_data, alexnet_log_level level, const char* line) {
  struct lines* lines = user_data;
  lines->count += strlen(line) > 0;
  if (level > lines->highest) lines->highest = level;
}

// Goes on from the checkpoint; with another number of threads the log has a warning.
static void run_rest(const alexnet_dataset* data, const char* checkpoint, int32_t threads, const char* path) {
  struct lines lines = {0, ALEXNET_LOG_DEBUG};
  alexnet_context* context = NULL;
  alexnet_train_options* options = make_options(threads);
  alexnet_trainer* trainer = NULL;
  OK(alexnet_context_create(&context));
  OK(alexnet_context_set_log_callback(context, on_log, &lines));
  OK(alexnet_trainer_resume(context, checkpoint, data, options, &trainer));
  OK(alexnet_context_free(context));
  EXPECT(lines.count >= 1 && lines.highest == (threads == 1 ? ALEXNET_LOG_INFO : ALEXNET_LOG_WARNING));
  alexnet_train_options_free(options);
  expect_progress(trainer, 5);
  OK(alexnet_trainer_run(trainer, 2));
  expect_progress(trainer, 7);
  OK(alexnet_trainer_run(trainer, 0));
  OK(alexnet_trainer_save_weights(trainer, path, ALEXNET_PRECISION_FP32));
  OK(alexnet_trainer_free(trainer));
}

// The weights of a file one after the other, to be freed; `count` of them.
static float* read_weights(const char* path, int64_t* count) {
  alexnet_weights* weights = NULL;
  int64_t tensors = 0, i, k;
  float* all = NULL;
  *count = 0;
  OK(alexnet_weights_open(path, &weights));
  OK(alexnet_weights_tensor_count(weights, &tensors));
  for (i = 0; i < tensors; ++i) {
    const char *name = NULL, *type = NULL;
    const int64_t* dimensions = NULL;
    int64_t rank = 0, size = 1;
    OK(alexnet_weights_tensor(weights, i, &name, &type, &dimensions, &rank));
    for (k = 0; k < rank; ++k) size *= dimensions[k];
    all = realloc(all, (size_t)(*count + size) * sizeof(float));
    OK(alexnet_weights_read(weights, name, all + *count, size));
    *count += size;
  }
  alexnet_weights_free(weights);
  return all;
}

static void classify_red(const char* path) {
  alexnet_model* model = NULL;
  alexnet_session* session = NULL;
  alexnet_result* result = NULL;
  alexnet_image* image = make_image(0, 100);
  const alexnet_image* images[1];
  images[0] = image;
  OK(alexnet_model_open(NULL, path, NULL, &model));
  OK(alexnet_session_create(model, NULL, &session));
  OK(alexnet_session_classify_images(session, images, 1, 1, &result));
  expect_probabilities(result, 0, CLASSES);
  alexnet_result_free(result);
  OK(alexnet_session_free(session));
  alexnet_model_free(model);
  alexnet_image_free(image);
}

static int32_t ALEXNET_CALL on_progress(void* user_data, int64_t done, int64_t total) {
  (void)done;
  (void)total;
  return ++*(int*)user_data < 0;
}

static void evaluate_session(const char* path, const alexnet_dataset* data) {
  alexnet_model* model = NULL;
  alexnet_session* session = NULL;
  alexnet_evaluation* evaluation = NULL;
  int64_t images = 0;
  int calls = 0;
  OK(alexnet_model_open(NULL, path, NULL, &model));
  OK(alexnet_session_create(model, NULL, &session));
  OK(alexnet_session_evaluate(&session, 1, data, 1, on_progress, &calls, &evaluation));
  OK(alexnet_evaluation_counts(evaluation, &images, NULL));
  EXPECT(images == IMAGES && calls > 0);
  alexnet_evaluation_free(evaluation);
  OK(alexnet_session_free(session));
  alexnet_model_free(model);
}

void use_training(const char* folder) {
  const struct path whole = in_folder(folder, "whole.safetensors"), rest = in_folder(folder, "rest.safetensors");
  const struct path checkpoint = in_folder(folder, "checkpoint.safetensors");
  alexnet_dataset *data = make_data(), *none = NULL;
  alexnet_train_options* options = make_options(1);
  alexnet_memory* memory = NULL;
  alexnet_trainer* trainer = NULL;
  int64_t count = 0, same = 0;
  float *one, *two;
  OK(alexnet_trainer_plan_memory(NULL, "alexnet-cifar10", CLASSES, options, &memory));
  alexnet_memory_free(memory);
  EXPECT(alexnet_dataset_open("/nowhere/at/all", NULL, &none) == ALEXNET_ERROR_NOT_FOUND && none == NULL);
  EXPECT(alexnet_trainer_create(NULL, "alexnet-1998", data, options, &trainer) == ALEXNET_ERROR_NOT_FOUND);
  EXPECT(strstr(alexnet_last_error(), "alexnet-1998") != NULL && trainer == NULL);
  run_whole(data, whole.text);
  run_part(data, checkpoint.text);
  run_rest(data, checkpoint.text, 2, rest.text);
  run_rest(data, checkpoint.text, 1, rest.text);
  one = read_weights(whole.text, &count);
  two = read_weights(rest.text, &same);
  EXPECT(count == same && count > 40000 && memcmp(one, two, (size_t)count * sizeof(float)) == 0);
  free(one);
  free(two);
  classify_red(whole.text);
  evaluate_session(whole.text, data);
  OK(alexnet_train_options_set_initial_weights(options, whole.text));
  OK(alexnet_trainer_create(NULL, "alexnet-cifar10", data, options, &trainer));
  OK(alexnet_trainer_free(trainer));
  alexnet_train_options_free(options);
  alexnet_dataset_free(data);
  remove(whole.text);
  remove(rest.text);
  remove(checkpoint.text);
}

static void open_from_memory(const char* path) {
  static char bytes[200000];
  FILE* file = fopen(path, "rb");
  const size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
  alexnet_model* model = NULL;
  int64_t classes = 0;
  if (file) fclose(file);
  OK(alexnet_model_open_memory(NULL, bytes, size, NULL, &model));
  OK(alexnet_model_class_count(model, &classes));
  EXPECT(classes == 10);
  alexnet_model_free(model);
  model = NULL;
  EXPECT(alexnet_model_open_memory(NULL, bytes, size - 1, NULL, &model) == ALEXNET_ERROR_BAD_FILE && model == NULL);
}

// `frozen`: a weight file of format 1.
void use_weight_files(const char* folder, const char* frozen) {
  const struct path converted = in_folder(folder, "converted.safetensors");
  alexnet_weights* weights = NULL;
  const char *name = NULL, *type = NULL;
  int32_t tested = 0;
  double difference = 1;
  int64_t count = 0;
  OK(alexnet_weights_verify(frozen, NULL, &tested, &difference));
  EXPECT(tested == 1 && difference < 1e-3);
  OK(alexnet_weights_convert(frozen, converted.text, NULL, ALEXNET_PRECISION_FP16, 0));
  OK(alexnet_weights_open(converted.text, &weights));
  OK(alexnet_weights_metadata(weights, "alexnet.model", &name));
  EXPECT(strcmp(name, "fig1-relu/1") == 0);
  EXPECT(alexnet_weights_metadata(weights, "alexnet.nothing", &name) == ALEXNET_ERROR_NOT_FOUND);
  OK(alexnet_weights_tensor_count(weights, &count));
  OK(alexnet_weights_tensor(weights, count - 1, &name, &type, NULL, NULL));
  EXPECT(strcmp(type, "F16") == 0);
  alexnet_weights_free(weights);
  weights = NULL;
  open_from_memory(frozen);
  EXPECT(alexnet_weights_open("/nowhere/at/all", &weights) == ALEXNET_ERROR_NOT_FOUND && weights == NULL);
  remove(converted.text);
}
