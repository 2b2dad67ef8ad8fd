// Trains a network on pictures: train DATA OUT.safetensors [NETWORK [EPOCHS]]. DATA: a folder with
// a sub-folder for each class, or CIFAR-10 binary. Ctrl-C stops it; the same command goes on from
// there.
#include <alexnet/alexnet.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static volatile sig_atomic_t interrupted = 0;
static void on_interrupt(int signal_number) {
  (void)signal_number;
  interrupted = 1;
}

typedef struct {
  alexnet_trainer* trainer;
  int64_t steps_per_epoch, steps;
  double loss, accuracy;  // sums over the epoch's steps
} epoch_state;

static void on_step(void* user_data, const alexnet_step* step) {
  epoch_state* epoch = user_data;
  epoch->steps += 1;
  epoch->loss += step->loss;
  epoch->accuracy += step->accuracy;
  if (step->step % epoch->steps_per_epoch == 0) {
    printf("epoch %lld  loss %.4f  accuracy %.1f%%\n",
           (long long)(step->step / epoch->steps_per_epoch), epoch->loss / epoch->steps,
           100 * epoch->accuracy / epoch->steps);
    fflush(stdout);
    epoch->steps = 0;
    epoch->loss = epoch->accuracy = 0;
  }
  if (interrupted) alexnet_trainer_cancel(epoch->trainer);
}

#define TRY(call) \
  if ((status = (call)) != ALEXNET_OK) goto end
int main(int argc, char** argv) {
  alexnet_dataset *data = NULL, *test = NULL;
  alexnet_train_options* options = NULL;
  alexnet_evaluation* evaluation = NULL;
  epoch_state epoch = {NULL, 0, 0, 0, 0};
  alexnet_status status;
  char checkpoint[4096];
  const char* end = argc < 3 ? NULL : strstr(argv[2], ".safetensors");
  if (end == NULL || argc > 5 || strlen(argv[2]) > 4000) {
    fprintf(stderr, "usage: train DATA OUT.safetensors [NETWORK [EPOCHS]]\n");
    return 2;
  }
  snprintf(checkpoint, sizeof checkpoint, "%.*s.checkpoint.safetensors", (int)(end - argv[2]),
           argv[2]);
  signal(SIGINT, on_interrupt);
  TRY(alexnet_dataset_open(argv[1], "train", &data));
  TRY(alexnet_train_options_create(&options));
  if (argc > 4) TRY(alexnet_train_options_set_epochs(options, atoll(argv[4])));
  status = alexnet_trainer_resume(NULL, checkpoint, data, options, &epoch.trainer);
  if (status == ALEXNET_ERROR_NOT_FOUND)
    status = alexnet_trainer_create(NULL, argc > 3 ? argv[3] : "alexnet-cifar10", data, options,
                                    &epoch.trainer);
  TRY(status);
  TRY(alexnet_trainer_progress(epoch.trainer, NULL, NULL, &epoch.steps_per_epoch));
  TRY(alexnet_trainer_set_step_callback(epoch.trainer, on_step, &epoch));
  TRY(alexnet_trainer_set_checkpoint(epoch.trainer, checkpoint, 0));
  TRY(alexnet_trainer_run(epoch.trainer, 0));
  TRY(alexnet_trainer_save_weights(epoch.trainer, argv[2], ALEXNET_PRECISION_FP32));
  // the same pictures where the folder has no test part
  TRY(alexnet_dataset_open(argv[1], "test", &test));
  TRY(alexnet_trainer_evaluate(epoch.trainer, test, 1, NULL, NULL, &evaluation));
  int64_t images;
  double top1;
  TRY(alexnet_evaluation_counts(evaluation, &images, NULL));
  TRY(alexnet_evaluation_rates(evaluation, &top1, NULL, NULL));
  printf("saved %s: %.1f%% of %lld pictures right\n", argv[2], 100 * top1, (long long)images);
end:
  if (status != ALEXNET_OK) fprintf(stderr, "train: %s\n", alexnet_last_error());
  alexnet_evaluation_free(evaluation);
  (void)alexnet_trainer_free(epoch.trainer);
  alexnet_train_options_free(options);
  alexnet_dataset_free(test);
  alexnet_dataset_free(data);
  return status == ALEXNET_OK ? 0 : status == ALEXNET_ERROR_CANCELLED ? 3 : 1;
}
