// Names what is in a picture: classify PICTURE [WEIGHTS]. Without a weight file, those that come
// with the library.
#include <alexnet/alexnet.h>
#include <stdio.h>

int main(int argc, char** argv) {
  alexnet_model* model = NULL;
  alexnet_session* session = NULL;
  alexnet_result* result = NULL;
  int64_t classes = 0;
  if (argc < 2) {
    fprintf(stderr, "usage: classify PICTURE [WEIGHTS]\n");
    return 2;
  }
  alexnet_status status = alexnet_model_open(NULL, argc > 2 ? argv[2] : NULL, NULL, &model);
  if (status == ALEXNET_OK) status = alexnet_session_create(model, NULL, &session);
  if (status == ALEXNET_OK) status = alexnet_session_classify_file(session, argv[1], &result);
  if (status == ALEXNET_OK) status = alexnet_model_class_count(model, &classes);
  for (int64_t rank = 0; status == ALEXNET_OK && rank < 5 && rank < classes; ++rank) {
    const char* label;
    float probability;
    status = alexnet_result_top(result, 0, rank, NULL, &label, &probability);
    if (status == ALEXNET_OK) printf("%5.1f%%  %s\n", 100.0 * probability, label);
  }
  if (status != ALEXNET_OK) fprintf(stderr, "classify: %s\n", alexnet_last_error());
  alexnet_result_free(result);
  alexnet_session_free(session);
  alexnet_model_free(model);
  return status == ALEXNET_OK ? 0 : 1;
}
