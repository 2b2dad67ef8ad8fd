// The header as a C99 program sees it: compiled with -pedantic, linked to the shared library, and
// run.
#include <alexnet/alexnet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

static void expect(int good, const char* what) {
  if (good) return;
  ++failures;
  fprintf(stderr, "%s: %s\n", what, alexnet_last_error());
}

static void on_log(void* user_data, alexnet_log_level level, const char* line) {
  (void)level;
  (void)line;
  ++*(int*)user_data;
}

static void check_versions(void) {
  char header[64];
  snprintf(header, sizeof header, "%d.%d.%d", ALEXNET_VERSION_MAJOR, ALEXNET_VERSION_MINOR,
           ALEXNET_VERSION_PATCH);
  expect(strcmp(header, alexnet_version()) == 0, "header and library are of one version");
  expect(alexnet_abi_version() == ALEXNET_ABI_VERSION, "the ABI is the header's");
  expect(strcmp(alexnet_last_error(), "") == 0, "there is no error before the first");
}

static void check_untouched(void) {
  alexnet_model* model = (alexnet_model*)&failures;  // any address
  expect(alexnet_model_open(NULL, "/nowhere", NULL, &model) == ALEXNET_ERROR_NOT_FOUND,
         "no model is nowhere");
  expect(model == (alexnet_model*)&failures, "a failing call leaves its out-parameter alone");
  expect(strstr(alexnet_last_error(), "/nowhere") != NULL, "the text names the file");
}

static void check_context(void) {
  int lines = 0;
  alexnet_context* context = NULL;
  expect(alexnet_context_create(&context) == ALEXNET_OK, "a context");
  expect(alexnet_context_set_threads(context, 1) == ALEXNET_OK, "its threads");
  expect(alexnet_context_set_log_callback(context, on_log, &lines) == ALEXNET_OK, "its log");
  expect(alexnet_context_free(context) == ALEXNET_OK, "its end");
  expect(lines == 0, "nothing is said of nothing");
}

// Three pictures through a session of two, so that the second batch is not full.
static void check_session(const char* file) {
  static const uint8_t pixels[2 * 2 * 3] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};
  alexnet_model* model = NULL;
  alexnet_session_options* options = NULL;
  alexnet_session* session = NULL;
  alexnet_image* image = NULL;
  alexnet_result* result = NULL;
  const alexnet_image* images[3];
  const float *first = NULL, *last = NULL;
  int64_t count = 0, classes = 0, channels = 0, i;
  float* features;
  expect(alexnet_model_open(NULL, file, NULL, &model) == ALEXNET_OK, "a model");
  expect(alexnet_session_options_create(&options) == ALEXNET_OK, "options");
  expect(alexnet_session_options_set_batch(options, 2) == ALEXNET_OK, "a batch");
  expect(alexnet_session_options_add_output(options, "fc5") == ALEXNET_OK, "an output");
  expect(alexnet_session_create(model, options, &session) == ALEXNET_OK, "a session");
  alexnet_session_options_free(options);
  alexnet_model_free(model);
  expect(alexnet_image_create(&image) == ALEXNET_OK, "an image");
  expect(alexnet_image_set_pixels(image, pixels, 2, 2, 0, ALEXNET_PIXELS_RGB) == ALEXNET_OK,
         "its pixels");
  for (i = 0; i < 3; ++i) images[i] = image;
  expect(alexnet_session_classify_images(session, images, 3, 1, &result) == ALEXNET_OK,
         "an answer");
  expect(alexnet_result_count(result, &count) == ALEXNET_OK && count == 3, "three images");
  expect(alexnet_result_probabilities(result, 0, &first, &classes) == ALEXNET_OK, "the first");
  expect(alexnet_result_probabilities(result, 2, &last, &classes) == ALEXNET_OK, "the last");
  expect(memcmp(first, last, (size_t)classes * sizeof *first) == 0,
         "the same picture has the same answer");
  expect(alexnet_session_output_shape(session, "fc5", &channels, NULL, NULL) == ALEXNET_OK,
         "a layer's size");
  features = malloc((size_t)channels * 3 * sizeof *features);
  expect(alexnet_session_features(session, images, 3, "fc5", features, channels * 3) == ALEXNET_OK,
         "its values");
  expect(memcmp(features, features + 2 * channels, (size_t)channels * sizeof *features) == 0,
         "are equal too");
  free(features);
  alexnet_image_free(image);
  expect(alexnet_session_free(session) == ALEXNET_OK, "its end");
  alexnet_result_free(result);
}

int main(int argc, char** argv) {
  check_versions();
  check_untouched();
  check_context();
  check_session(argc > 1 ? argv[1] : NULL);
  return failures == 0 ? 0 : 1;
}
