// Trains a network on pictures: train DATA OUT.safetensors [NETWORK [EPOCHS]]. DATA: a folder with
// a sub-folder for each class, or CIFAR-10 binary. Ctrl-C stops it; the same command goes on from
// there.
#include <alexnet/alexnet.hpp>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

namespace {

volatile std::sig_atomic_t interrupted = 0;
void on_interrupt(int) { interrupted = 1; }

// Prints a line after each epoch: the means over its steps.
class Epochs {
 public:
  explicit Epochs(const alexnet::Trainer& trainer)
      : trainer_(trainer), steps_per_epoch_(trainer.progress().steps_per_epoch) {}
  void add(const alexnet::Step& step) {
    steps_ += 1;
    loss_ += step.loss;
    accuracy_ += step.accuracy;
    if (step.step % steps_per_epoch_ == 0) {
      std::printf("epoch %lld  loss %.4f  accuracy %.1f%%\n",
                  static_cast<long long>(step.step / steps_per_epoch_), loss_ / steps_,
                  100 * accuracy_ / steps_);
      std::fflush(stdout);
      steps_ = loss_ = accuracy_ = 0;
    }
    if (interrupted) trainer_.cancel();
  }

 private:
  const alexnet::Trainer& trainer_;
  int64_t steps_per_epoch_;
  double steps_ = 0, loss_ = 0, accuracy_ = 0;
};

alexnet::Trainer resumed_or_new(const std::string& checkpoint, const std::string& network,
                                const alexnet::Dataset& data,
                                const alexnet::TrainOptions& options) {
  try {
    return alexnet::Trainer::resume(checkpoint, data, options);
  } catch (const alexnet::Error& error) {
    if (error.status() != ALEXNET_ERROR_NOT_FOUND) throw;
  }
  return alexnet::Trainer(network, data, options);
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string out = argc < 3 ? "" : argv[2];
  const size_t end = out.rfind(".safetensors");
  if (end == std::string::npos || argc > 5) {
    std::fprintf(stderr, "usage: train DATA OUT.safetensors [NETWORK [EPOCHS]]\n");
    return 2;
  }
  const std::string checkpoint = out.substr(0, end) + ".checkpoint.safetensors";
  std::signal(SIGINT, on_interrupt);
  // the same where the folder has no test part
  const alexnet::Dataset data(argv[1]), test(argv[1], "test");
  alexnet::TrainOptions options;
  if (argc > 4) options.epochs = std::atoll(argv[4]);
  alexnet::Trainer trainer =
      resumed_or_new(checkpoint, argc > 3 ? argv[3] : "alexnet-cifar10", data, options);
  Epochs epochs(trainer);
  trainer.on_step([&](const alexnet::Step& step) { epochs.add(step); });
  trainer.set_checkpoint(checkpoint);
  if (!trainer.run()) {
    std::fprintf(stderr, "train: stopped; %s holds how far it came\n", checkpoint.c_str());
    return 3;
  }
  trainer.save_weights(out);
  const alexnet::Evaluation result = trainer.evaluate(test);
  std::printf("saved %s: %.1f%% of %lld pictures right\n", out.c_str(), 100 * result.top1,
              static_cast<long long>(result.images));
} catch (const std::exception& error) {
  std::fprintf(stderr, "train: %s\n", error.what());
  return 1;
}
