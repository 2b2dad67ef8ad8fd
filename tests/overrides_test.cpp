// What the program's options and the C ABI's setters say instead of a recipe: in which they differ,
// and that both refuse the same numbers as a trainer does.
#include "train/overrides.h"

#include <alexnet/alexnet.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>

#include "cli/train_options.h"
#include "colours.h"
#include "handles.h"
#include "refusal.h"

namespace alx {
namespace {

// The program's options, parsed.
struct Program {
  explicit Program(const std::string& options) {
    cli::add_train_options(app, command);
    app.parse("--model alexnet-cifar10 --data d --out x.safetensors " + options);
  }
  TrainOptions options(const NetSpec& spec) const {
    return options_for(spec, 1000, cli::overrides_of(command, spec));
  }
  CLI::App app;
  cli::TrainCommand command;
};

struct Setters {
  Setters() { EXPECT_EQ(alexnet_train_options_create(&handle), ALEXNET_OK); }
  ~Setters() { alexnet_train_options_free(handle); }
  Setters(const Setters&) = delete;
  Setters& operator=(const Setters&) = delete;
  TrainOptions options(const NetSpec& spec) const {
    return options_for(spec, 1000, handle->overrides);
  }
  alexnet_train_options* handle = nullptr;
};

TEST(Overrides, TheProgramNamesAllThatItWantsAndASetterSetsOneThing) {
  const NetSpec noisy = make_model("alexnet-2012"), small = make_model("fig1-relu");
  ASSERT_GT(usual_augment(noisy).colour_noise, 0);
  ASSERT_EQ(usual_augment(small).colour_noise, 0);

  const Augment named = Program("--augment flip").options(noisy).augment;
  EXPECT_FALSE(named.random_crop);
  EXPECT_TRUE(named.flip);
  EXPECT_EQ(named.colour_noise, 0);                                    // not named: off
  EXPECT_EQ(Program("--augment flip").options(small).augment.pad, 0);  // the border goes with crops
  EXPECT_EQ(Program("--augment flip --pad 2").options(small).augment.pad, 2);
  EXPECT_EQ(Program("--augment crop,color").options(small).augment.pad, 4);
  EXPECT_FALSE(Program("--augment crop,color").options(small).augment.flip);
  EXPECT_FLOAT_EQ(Program("--augment color").options(small).augment.colour_noise, 0.1f);
  EXPECT_EQ(Program("").options(noisy).augment.colour_noise, usual_augment(noisy).colour_noise);

  Setters setters;
  ASSERT_EQ(alexnet_train_options_set_augmentation(setters.handle, 0, 1, 0), ALEXNET_OK);
  Augment set = setters.options(noisy).augment;
  EXPECT_FALSE(set.random_crop);
  EXPECT_TRUE(set.flip);
  EXPECT_EQ(set.colour_noise, usual_augment(noisy).colour_noise);  // not set: the network's
  Setters other;
  ASSERT_EQ(alexnet_train_options_set_color_noise(other.handle, 0.3), ALEXNET_OK);
  set = other.options(small).augment;
  EXPECT_TRUE(set.random_crop && set.flip);
  EXPECT_EQ(set.pad, 4);
  EXPECT_FLOAT_EQ(set.colour_noise, 0.3f);
}

TEST(Overrides, OfBothGiveTheSameRun) {
  const NetSpec spec = make_model("alexnet-cifar10");
  const TrainOptions a = Program(
                             "--epochs 3 --batch 5 --lr 0.3 --momentum 0.5 --weight-decay 0.25 "
                             "--schedule cosine --mean image --label-smoothing 0.1 --data-threads "
                             "2 --layer-rates conv1=0.5 --seed 7 --dropout off --threads 3 "
                             "--class-weights balanced --val 0.25 "
                             "--init w --freeze all-but-last")
                             .options(spec);
  Setters c;
  alexnet_train_options* to = c.handle;
  for (const alexnet_status status :
       {alexnet_train_options_set_epochs(to, 3), alexnet_train_options_set_batch(to, 5),
        alexnet_train_options_set_learning_rate(to, 0.3),
        alexnet_train_options_set_momentum(to, 0.5),
        alexnet_train_options_set_weight_decay(to, 0.25),
        alexnet_train_options_set_schedule(to, "cosine"),
        alexnet_train_options_set_mean(to, "image"),
        alexnet_train_options_set_label_smoothing(to, 0.1),
        alexnet_train_options_set_data_threads(to, 2),
        alexnet_train_options_set_layer_rate(to, "conv1", 0.5),
        alexnet_train_options_set_seed(to, 7), alexnet_train_options_set_dropout(to, 0),
        alexnet_train_options_set_threads(to, 3),
        alexnet_train_options_set_class_weights(to, "balanced"),
        alexnet_train_options_set_validation_share(to, 0.25),
        alexnet_train_options_set_initial_weights(to, "w"),
        alexnet_train_options_set_freeze(to, "all-but-last")})
    ASSERT_EQ(status, ALEXNET_OK) << alexnet_last_error();
  const TrainOptions b = c.options(spec);
  EXPECT_EQ(a.recipe.epochs, 3);
  EXPECT_EQ(a.recipe.epochs, b.recipe.epochs);
  EXPECT_EQ(a.recipe.batch, b.recipe.batch);
  EXPECT_EQ(a.recipe.rate, b.recipe.rate);
  EXPECT_EQ(a.recipe.momentum, b.recipe.momentum);
  EXPECT_EQ(a.recipe.decay, b.recipe.decay);
  EXPECT_EQ(a.recipe.schedule, b.recipe.schedule);
  EXPECT_EQ(a.recipe.mean, b.recipe.mean);
  EXPECT_EQ(a.label_smoothing, 0.1f);
  EXPECT_EQ(a.label_smoothing, b.label_smoothing);
  EXPECT_EQ(a.data_threads, b.data_threads);
  EXPECT_EQ(a.layer_rates, b.layer_rates);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.dropout, b.dropout);
  EXPECT_EQ(a.threads, b.threads);
  EXPECT_TRUE(a.balance_classes && b.balance_classes);
  EXPECT_EQ(a.validation_share, 0.25);
  EXPECT_EQ(b.validation_share, 0.25);
  EXPECT_EQ(a.init, b.init);
  EXPECT_TRUE(a.freeze && b.freeze);
}

struct Bounded {
  const char* option;
  std::vector<double> bad, good;  // the good ones are the ends
  std::function<alexnet_status(alexnet_train_options*, double)> set;
  std::function<void(TrainOptions&, double)> put;
};

std::vector<Bounded> bounded() {
  const auto whole = [](double value) { return static_cast<int64_t>(value); };
  const auto real = [](double value) { return static_cast<float>(value); };
  return {
      {"--epochs",
       {0, -1, 2e9},
       {1, 1e9},
       [=](auto* to, double v) { return alexnet_train_options_set_epochs(to, whole(v)); },
       [=](TrainOptions& to, double v) { to.recipe.epochs = whole(v); }},
      {"--batch",
       {0, -1, 1000001},
       {1, 1e6},
       [=](auto* to, double v) { return alexnet_train_options_set_batch(to, whole(v)); },
       [=](TrainOptions& to, double v) { to.recipe.batch = whole(v); }},
      {"--lr",
       {0, -1, 1001, 1e-60, 1e300},
       {1e-12, 1000},
       alexnet_train_options_set_learning_rate,
       [=](TrainOptions& to, double v) { to.recipe.rate = v > 1e30 ? 1e30f : real(v); }},
      {"--momentum",
       {-0.1, 1, 0.999999999},
       {0, 0.999999},
       alexnet_train_options_set_momentum,
       [=](TrainOptions& to, double v) { to.recipe.momentum = real(v); }},
      {"--weight-decay",
       {-1, 1001},
       {0, 1000},
       alexnet_train_options_set_weight_decay,
       [=](TrainOptions& to, double v) { to.recipe.decay = real(v); }},
      {"--label-smoothing",
       {-0.1, 1, 0.999999999},
       {0, 0.5},
       alexnet_train_options_set_label_smoothing,
       [=](TrainOptions& to, double v) { to.label_smoothing = real(v); }},
      {"--pad",
       {-1, 1025},
       {0, 1024},
       [=](auto* to, double v) {
         return alexnet_train_options_set_augmentation(to, 1, 1, whole(v));
       },
       [=](TrainOptions& to, double v) { to.augment.pad = whole(v); }},
      {"--threads",
       {-1, 4097},
       {0, 4096},
       [=](auto* to, double v) {
         return alexnet_train_options_set_threads(to, static_cast<int32_t>(v));
       },
       [=](TrainOptions& to, double v) { to.threads = static_cast<int>(v); }},
      {"--data-threads",
       {-1, 257},
       {0, 256},
       [=](auto* to, double v) {
         return alexnet_train_options_set_data_threads(to, static_cast<int32_t>(v));
       },
       [=](TrainOptions& to, double v) { to.data_threads = static_cast<int>(v); }},
  };
}

Bounded validation_share() {
  return {"--val",
          {-0.1, 0.51, 2},
          {0.01, 0.5},
          alexnet_train_options_set_validation_share,
          [](TrainOptions& to, double v) { to.validation_share = v; }};
}

TEST(Bounds, ProgramSettersAndTrainerRefuseTheSame) {
  const auto data = std::make_shared<Colours>(24);
  const auto parse = [](const char* option, double value) {
    const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
    Program(cat(option, "=", whole ? cat(static_cast<int64_t>(value)) : general(value, 17)));
  };
  std::vector<Bounded> all = bounded();
  all.push_back(validation_share());
  for (const Bounded& each : all) {
    Setters setters;
    for (const double value : each.bad) {
      EXPECT_THROW(parse(each.option, value), CLI::ValidationError) << each.option << " " << value;
      EXPECT_EQ(each.set(setters.handle, value), ALEXNET_ERROR_INVALID_ARGUMENT)
          << each.option << " " << value;
      TrainOptions options = quick_run();
      each.put(options, value);
      error_of([&] { Trainer(tiny(), data, options); });
    }
    for (const double value : each.good) {
      EXPECT_NO_THROW(parse(each.option, value)) << each.option << " " << value;
      EXPECT_EQ(each.set(setters.handle, value), ALEXNET_OK) << alexnet_last_error();
    }
  }
}

TEST(Bounds, StandInTheHelp) {
  const std::string help = Program("").app.help();
  for (const std::string& range :
       {bounds::epochs.range(), bounds::batch.range(), bounds::rate.range(),
        bounds::momentum.range(), bounds::data_threads.range(), bounds::pad.range()})
    EXPECT_TRUE(has(help, "(" + range + ")"));
}

}  // namespace
}  // namespace alx
