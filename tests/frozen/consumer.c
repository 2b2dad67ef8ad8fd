// A program that was compiled once and must go on working: consumer FOLDER WEIGHTS PICTURE yes|no. It sees the frozen
// header alone, uses every kind of object, and looks at what comes back. The last word says whether the library was
// built to read pictures.
#include "consumer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

void expect_line(int good, const char* what, int line) {
  if (good) return;
  ++failures;
  fprintf(stderr, "line %d: %s: %s\n", line, what, alexnet_last_error());
}

// A picture whose colour tells its class, and whose texture tells `variant`.
alexnet_image* make_image(int64_t class_index, int variant) {
  uint8_t pixels[SIDE * SIDE * 3];
  int i;
  alexnet_image* image = NULL;
  for (i = 0; i < SIDE * SIDE * 3; ++i)
    pixels[i] = (uint8_t)(i % 3 == class_index ? 190 + (i * 7 + variant * 13) % 60 : (i * 5 + variant * 11) % 60);
  OK(alexnet_image_create(&image));
  OK(alexnet_image_set_pixels(image, pixels, SIDE, SIDE, 0, ALEXNET_PIXELS_RGB));
  return image;
}

void expect_probabilities(const alexnet_result* result, int64_t image, int64_t classes) {
  const float* probabilities = NULL;
  int64_t count = 0, best = -1, i;
  const char* label = NULL;
  float highest = -1;
  double sum = 0;
  OK(alexnet_result_probabilities(result, image, &probabilities, &count));
  EXPECT(count == classes);
  for (i = 0; i < count; ++i) sum += probabilities[i];
  EXPECT(fabs(sum - 1) < 1e-5);
  OK(alexnet_result_top(result, image, 0, &best, &label, &highest));
  EXPECT(best >= 0 && best < classes && probabilities[best] == highest && strlen(label) > 0);
  for (i = 0; i < count; ++i) EXPECT(probabilities[i] <= highest);
}

static void use_versions(void) {
  EXPECT(alexnet_abi_version() == ALEXNET_ABI_VERSION);
  EXPECT(atoi(alexnet_version()) >= ALEXNET_VERSION_MAJOR);
  EXPECT(strlen(alexnet_build_info()) > 0);
  EXPECT(strcmp(alexnet_status_name(ALEXNET_ERROR_NOT_FOUND), "ALEXNET_ERROR_NOT_FOUND") == 0);
  EXPECT(strcmp(alexnet_status_name(-77), "unknown status") == 0);
  EXPECT(strcmp(alexnet_last_error(), "") == 0);
}

static void use_devices_and_networks(void) {
  int64_t devices = 0, networks = 0, i;
  const char *name = NULL, *text = NULL;
  double difference = 1;
  int found = 0;
  OK(alexnet_device_count(&devices));
  OK(alexnet_device_name(0, &name));
  OK(alexnet_device_description(0, &text));
  EXPECT(devices >= 1 && strlen(name) > 0 && strlen(text) > 0);
  OK(alexnet_device_probe("reference"));
  EXPECT(alexnet_device_probe("abacus") == ALEXNET_ERROR_NOT_FOUND);
  EXPECT(strstr(alexnet_last_error(), "abacus") != NULL);
  OK(alexnet_device_self_test("cpu", &difference));
  EXPECT(difference < 1e-5);
  OK(alexnet_network_count(&networks));
  for (i = 0; i < networks; ++i) {
    OK(alexnet_network_name(i, &name));
    found |= strcmp(name, "alexnet-cifar10") == 0;
  }
  EXPECT(found);
}

// The program's memory, counted.
struct pool {
  int64_t blocks;
  int refuse;
};

static void* ALEXNET_CALL pool_allocate(void* user_data, size_t size, size_t alignment) {
  struct pool* pool = user_data;
  const size_t before = alignment + sizeof(void*);
  char* block = pool->refuse ? NULL : malloc(size + before);
  char* aligned;
  if (!block) return NULL;
  ++pool->blocks;
  aligned = block + before - (uintptr_t)(block + before) % alignment;
  memcpy(aligned - sizeof(void*), &block, sizeof(void*));
  return aligned;
}

static void ALEXNET_CALL pool_deallocate(void* user_data, void* memory, size_t size, size_t alignment) {
  void* block;
  (void)size;
  (void)alignment;
  memcpy(&block, (char*)memory - sizeof(void*), sizeof(void*));
  free(block);
  --((struct pool*)user_data)->blocks;
}

static void use_memory(const alexnet_model* model) {
  alexnet_session_options* options = NULL;
  alexnet_memory* memory = NULL;
  int64_t devices = 0, total = 0, weights = 0, activations = 0;
  OK(alexnet_session_options_create(&options));
  OK(alexnet_session_options_set_device(options, "reference"));
  OK(alexnet_session_options_set_batch(options, 4));
  OK(alexnet_session_plan_memory(model, options, &memory));
  OK(alexnet_memory_device_count(memory, &devices));
  OK(alexnet_memory_bytes(memory, -1, ALEXNET_MEMORY_TOTAL, &total));
  OK(alexnet_memory_bytes(memory, 0, ALEXNET_MEMORY_WEIGHTS, &weights));
  OK(alexnet_memory_bytes(memory, 0, ALEXNET_MEMORY_ACTIVATIONS, &activations));
  EXPECT(devices == 1 && weights > 0 && activations > 0 && total >= weights + activations);
  alexnet_memory_free(memory);
  alexnet_session_options_free(options);
}

static void use_contexts(void) {
  static struct pool pool;  // outlives whatever is made with it
  alexnet_context* context = NULL;
  alexnet_model* model = NULL;
  alexnet_session* session = NULL;
  int64_t bytes = -1;
  pool.refuse = 0;
  OK(alexnet_context_create(&context));
  OK(alexnet_context_set_threads(context, 1));
  OK(alexnet_context_set_allocator(context, pool_allocate, pool_deallocate, &pool));
  OK(alexnet_model_create(context, "alexnet-cifar10", 0, SIDE, 1, &model));
  OK(alexnet_session_create(model, NULL, &session));
  OK(alexnet_context_memory_in_use(context, &bytes));
  EXPECT(bytes > 0 && pool.blocks > 0);
  OK(alexnet_session_free(session));
  session = NULL;
  pool.refuse = 1;
  EXPECT(alexnet_session_create(model, NULL, &session) == ALEXNET_ERROR_OUT_OF_MEMORY && session == NULL);
  pool.refuse = 0;
  OK(alexnet_context_set_memory_limit(context, 1000));
  EXPECT(alexnet_session_create(model, NULL, &session) == ALEXNET_ERROR_OUT_OF_MEMORY && session == NULL);
  OK(alexnet_context_set_memory_limit(context, 0));
  OK(alexnet_session_create(model, NULL, &session));
  OK(alexnet_context_free(context));  // before what was made in it
  alexnet_model_free(model);
  OK(alexnet_session_free(session));
  EXPECT(pool.blocks == 0);
}

static void use_model(const alexnet_model* model) {
  const char *name = NULL, *label = NULL, *json = NULL, *layer = NULL, *op = NULL;
  int64_t classes = 0, height = 0, width = 0, layers = 0, parameters = 0, sum = 0, i;
  int32_t tested = 0;
  double difference = 1;
  OK(alexnet_model_name(model, &name));
  OK(alexnet_model_class_count(model, &classes));
  OK(alexnet_model_label(model, 3, &label));
  OK(alexnet_model_input_size(model, &height, &width));
  OK(alexnet_model_input_json(model, &json));
  OK(alexnet_model_parameter_count(model, &parameters));
  OK(alexnet_model_layer_count(model, &layers));
  EXPECT(strcmp(name, "alexnet-cifar10") == 0 && classes == 10 && strcmp(label, "cat") == 0);
  EXPECT(height == 32 && width == 32 && strstr(json, "\"RGB\"") != NULL && parameters == 454858);
  for (i = 0; i < layers; ++i) {
    int64_t channels = 0, own = 0, cost = -1;
    OK(alexnet_model_layer_name(model, i, &layer, &op));
    OK(alexnet_model_layer_shape(model, i, &channels, NULL, NULL));
    OK(alexnet_model_layer_cost(model, i, &own, &cost));
    EXPECT(strlen(layer) > 0 && strlen(op) > 0 && channels > 0 && cost >= 0);
    sum += own;
  }
  EXPECT(sum == parameters);
  OK(alexnet_model_self_test(model, "cpu", &tested, &difference));
  EXPECT(tested == 1 && difference < 1e-3);
}

// The same cat from a path, from bytes and from pixels.
static void use_pictures(alexnet_session* session, const char* path) {
  alexnet_result *from_path = NULL, *from_bytes = NULL, *from_pixels = NULL;
  alexnet_image *image = NULL, *again = NULL;
  const alexnet_image* images[1];
  const uint8_t* pixels = NULL;
  const float* p[3];
  int64_t width = 0, height = 0, classes = 0;
  const char* label = NULL;
  FILE* file = fopen(path, "rb");
  static char bytes[1 << 20];
  const size_t size = file ? fread(bytes, 1, sizeof bytes, file) : 0;
  if (file) fclose(file);
  EXPECT(size > 0 && size < sizeof bytes);
  OK(alexnet_session_classify_file(session, path, &from_path));
  OK(alexnet_result_top(from_path, 0, 0, NULL, &label, NULL));
  EXPECT(strcmp(label, "cat") == 0);
  OK(alexnet_session_classify_memory(session, bytes, size, &from_bytes));
  OK(alexnet_image_from_file(path, &image));
  OK(alexnet_image_size(image, &width, &height));
  OK(alexnet_image_pixels(image, &pixels));
  OK(alexnet_image_create(&again));
  OK(alexnet_image_set_pixels(again, pixels, width, height, width * 3, ALEXNET_PIXELS_RGB));
  images[0] = again;
  OK(alexnet_session_classify_images(session, images, 1, 1, &from_pixels));
  OK(alexnet_result_probabilities(from_path, 0, &p[0], &classes));
  OK(alexnet_result_probabilities(from_bytes, 0, &p[1], &classes));
  OK(alexnet_result_probabilities(from_pixels, 0, &p[2], &classes));
  EXPECT(memcmp(p[0], p[1], (size_t)classes * sizeof(float)) == 0);
  EXPECT(memcmp(p[0], p[2], (size_t)classes * sizeof(float)) == 0);
  alexnet_image_free(image);
  OK(alexnet_image_from_memory(bytes, size, &image));
  alexnet_image_free(image);
  alexnet_image_free(again);
  alexnet_result_free(from_path);
  alexnet_result_free(from_bytes);
  alexnet_result_free(from_pixels);
  EXPECT(alexnet_session_classify_memory(session, "no picture", 10, &from_bytes) == ALEXNET_ERROR_BAD_FILE);
}

static void use_no_pictures(alexnet_session* session, const char* path) {
  alexnet_result* result = NULL;
  alexnet_image* image = NULL;
  EXPECT(alexnet_session_classify_file(session, path, &result) == ALEXNET_ERROR_UNSUPPORTED);
  EXPECT(alexnet_image_from_file(path, &image) == ALEXNET_ERROR_UNSUPPORTED);
  EXPECT(result == NULL && image == NULL);
}

static void use_session(const alexnet_model* model, const char* picture, int reads) {
  static float values[2 * 3 * 32 * 32], features[2 * 192];
  alexnet_session_options* options = NULL;
  alexnet_session* session = NULL;
  alexnet_result *result = NULL, *ten = NULL;
  alexnet_memory* memory = NULL;
  const alexnet_image* images[2];
  int64_t count = 0, channels = 0, height = 0, width = 0;
  alexnet_image *red = make_image(0, 0), *blue = make_image(2, 1);
  images[0] = red;
  images[1] = blue;
  OK(alexnet_session_options_create(&options));
  OK(alexnet_session_options_set_threads(options, 1));
  OK(alexnet_session_options_set_batch(options, 2));
  OK(alexnet_session_options_set_precision(options, ALEXNET_PRECISION_FP32));
  OK(alexnet_session_options_add_output(options, "fc5"));
  OK(alexnet_session_create(model, options, &session));
  alexnet_session_options_free(options);
  OK(alexnet_session_classify_images(session, images, 2, 1, &result));
  OK(alexnet_session_classify_images(session, images, 2, 10, &ten));
  OK(alexnet_result_count(ten, &count));
  EXPECT(count == 2);
  expect_probabilities(ten, 1, 10);
  alexnet_result_free(ten);
  OK(alexnet_model_preprocess(model, red, 1, values, 3 * 32 * 32));
  OK(alexnet_model_preprocess(model, blue, 1, values + 3 * 32 * 32, 3 * 32 * 32));
  OK(alexnet_session_run_tensor(session, values, 2, &ten));
  expect_probabilities(ten, 0, 10);
  alexnet_result_free(ten);
  OK(alexnet_session_output_shape(session, "fc5", &channels, &height, &width));
  EXPECT(channels == 192 && height == 1 && width == 1);
  OK(alexnet_session_features(session, images, 2, "fc5", features, 2 * 192));
  EXPECT(memcmp(features, features + 192, 192 * sizeof(float)) != 0);
  EXPECT(alexnet_session_features(session, images, 2, "fc5", features, 5) == ALEXNET_ERROR_INVALID_ARGUMENT);
  OK(alexnet_session_memory(session, &memory));
  alexnet_memory_free(memory);
  reads ? use_pictures(session, picture) : use_no_pictures(session, picture);
  OK(alexnet_session_free(session));
  alexnet_image_free(red);
  alexnet_image_free(blue);
  expect_probabilities(result, 1, 10);  // kept after all it came from
  alexnet_result_free(result);
}

int main(int argc, char** argv) {
  alexnet_model* model = NULL;
  if (argc != 5) return 2;
  use_versions();
  use_devices_and_networks();
  use_contexts();
  OK(alexnet_model_open(NULL, NULL, NULL, &model));
  use_model(model);
  use_memory(model);
  use_session(model, argv[3], strcmp(argv[4], "yes") == 0);
  alexnet_model_free(model);
  use_training(argv[1]);
  use_weight_files(argv[1], argv[2]);
  if (failures == 0) puts("all of it works");
  return failures == 0 ? 0 : 1;
}
