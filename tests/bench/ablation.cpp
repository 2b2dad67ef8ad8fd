// ablation VARIANT SEED DATA [EPOCHS [PICTURES]]: trains a small two-tower network, or one that
// lacks a single idea of the paper, on so many pictures of DATA's training part and prints the
// error on its test part: VARIANT,SEED,ERROR. scripts/ablations makes the table. One thread, so
// that several run side by side.
#include <cstdlib>
#include <iostream>
#include <set>

#include "core/error.h"
#include "models/builder.h"
#include "models/towers.h"
#include "train/trainer.h"

namespace {

using namespace alx;
using namespace alx::models;

const std::set<std::string> variants{"whole",      "no-lrn",          "no-overlap",
                                     "no-dropout", "no-augmentation", "one-tower"};

// Evenly spread pictures of a set, so that classes keep their shares. Few pictures: with all of
// them a network of this size hardly overfits, and dropout and augmentation would have nothing to
// prevent.
class Some final : public Dataset {
 public:
  Some(std::shared_ptr<const Dataset> all, int64_t size)
      : all_(std::move(all)), size_(std::min(size, all_->size())) {
    classes_ = all_->classes();
  }
  int64_t size() const override { return size_; }
  int64_t label(int64_t i) const override { return all_->label(at(i)); }
  std::string name(int64_t i) const override { return all_->name(at(i)); }
  Image image(int64_t i, int64_t at_least) const override { return all_->image(at(i), at_least); }

 private:
  int64_t at(int64_t i) const { return i * all_->size() / size_; }
  std::shared_ptr<const Dataset> all_;
  int64_t size_;
};

Conv conv(int64_t in, int64_t out) {
  return {out, 3, 1, Pad::all(1), 1, Activation::none, he(in * 9), bias(0)};
}

struct Layers {
  NetBuilder& net;
  const std::string& variant;

  void block(const std::string& number, const std::string& tower, int64_t in, int64_t out) {
    net.layer("conv" + number + tower, conv(in, out), "relu" + number + tower);
    // as in alexnet-cifar10
    if (variant != "no-lrn") net.add("norm" + number + tower, Lrn{5, 1, 0.05f, 0.75f});
    pool(number + tower);
  }
  void pool(const std::string& suffix) {  // both kinds give 32, 16, 8, 4
    net.add("pool" + suffix, MaxPool{variant == "no-overlap" ? 2 : 3, 2, {}, Round::ceil});
  }
};

// The shape of the paper's figure 2 at 32 x 32: towers that meet at the third convolution and at
// the fully connected layer. "One tower" is the paper's one-GPU network: half the kernels but in
// the last convolution, and as many fully connected units.
NetSpec make_network(const std::string& variant, int64_t classes) {
  NetBuilder net("ablation-" + variant, "the paper's section 3 at the size of CIFAR-10");
  net.input(make_model("alexnet-cifar10").input, {}).classes(classes, {});
  Layers layers{net, variant};
  const bool one = variant == "one-tower";
  const std::vector<std::string> towers =
      one ? std::vector<std::string>{"a"} : std::vector<std::string>{"a", "b"};
  for (const std::string& t : towers) {
    enter_tower(net, t);
    net.after("data");
    layers.block("1", t, 3, 24);
    layers.block("2", t, 24, 48);
  }
  for (const std::string& t : towers) {
    enter_tower(net, t);
    if (!one) join(net, "conv3" + t + "_in", "pool2");
    net.layer("conv3" + t, conv(one ? 48 : 96, 48), "relu3" + t);
    net.layer("conv4" + t, conv(48, one ? 96 : 48), "relu4" + t);
    layers.pool("4" + t);
  }
  net.slot(0);
  if (!one) join(net, "fc5_in", "pool4");
  const Dropout dropout{variant == "no-dropout" ? 0.0f : 0.5f};
  net.add("drop4", dropout);
  net.layer("fc5", Linear{256, Activation::none, he(96 * 4 * 4), bias(0)}, "relu5")
      .add("drop5", dropout);
  net.add("fc6", Linear{net.classes(), Activation::none, gaussian(0.01f), bias(0)});
  return net.finish();
}

double error_of(const std::string& variant, uint64_t seed, const std::string& data, int64_t epochs,
                int64_t pictures) {
  check(variants.contains(variant), Code::invalid_argument, "no variant is called ", variant);
  const auto train = std::make_shared<Some>(Dataset::open(data, "train"), pictures);
  const NetSpec spec = make_network(variant, static_cast<int64_t>(train->classes().size()));
  TrainOptions options;
  options.recipe = spec.recipe;
  options.recipe.rate = 0.02f;
  options.recipe.epochs = epochs;
  options.recipe.schedule = "cosine";
  options.seed = seed;
  options.threads = 1;
  options.data_threads = 0;
  options.augment = usual_augment(spec);
  options.augment.colour_noise = 0.1f;
  if (variant == "no-augmentation") options.augment = {.random_crop = false, .flip = false};
  Trainer trainer(spec, train, options);
  while (!trainer.done()) trainer.step();
  return 1 - trainer.evaluate(*Dataset::open(data, "test")).top1;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 4 || argc > 6) {
    std::cerr << "usage: ablation VARIANT SEED DATA [EPOCHS [PICTURES]]; variants:";
    for (const std::string& variant : variants) std::cerr << ' ' << variant;
    std::cerr << '\n';
    return 2;
  }
  const int64_t epochs = argc > 4 ? std::atoll(argv[4]) : 20,
                pictures = argc > 5 ? std::atoll(argv[5]) : 10000;
  const double error =
      error_of(argv[1], std::strtoull(argv[2], nullptr, 10), argv[3], epochs, pictures);
  std::cout << argv[1] << ',' << argv[2] << ',' << error << std::endl;
} catch (const std::exception& error) {
  std::cerr << "ablation: " << error.what() << '\n';
  return 1;
}
