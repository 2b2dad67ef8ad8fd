// Options of training.
#include <cmath>

#include "handles.h"

using namespace alx;
using namespace alx::capi;

namespace {

// A finite number that a float holds; the trainer knows the bounds.
float require_number(double value, const char* argument) {
  const auto number = static_cast<float>(value);
  check(std::isfinite(number), Code::invalid_argument, argument, " must be a finite number, got ",
        value);
  return number;
}

// Sets one member of the options.
template <class Set>
alexnet_status set(alexnet_train_options* options, const Set& change) {
  return guard([&] {
    require(options, "options");
    change(*options);
  });
}

}  // namespace

alexnet_status alexnet_train_options_create(alexnet_train_options** options) {
  return guard([&] {
    require(options, "options");
    *options = new alexnet_train_options;
  });
}

alexnet_status alexnet_train_options_set_epochs(alexnet_train_options* options, int64_t epochs) {
  return set(options, [&](auto& to) {
    check(epochs >= 1, Code::invalid_argument, "epochs must be at least 1, got ", epochs);
    to.epochs = epochs;
  });
}

alexnet_status alexnet_train_options_set_batch(alexnet_train_options* options, int64_t batch) {
  return set(options, [&](auto& to) {
    check(batch >= 1, Code::invalid_argument, "batch must be at least 1, got ", batch);
    to.batch = batch;
  });
}

alexnet_status alexnet_train_options_set_learning_rate(alexnet_train_options* options,
                                                       double rate) {
  return set(options, [&](auto& to) { to.rate = require_number(rate, "rate"); });
}

alexnet_status alexnet_train_options_set_momentum(alexnet_train_options* options, double momentum) {
  return set(options, [&](auto& to) { to.momentum = require_number(momentum, "momentum"); });
}

alexnet_status alexnet_train_options_set_weight_decay(alexnet_train_options* options,
                                                      double decay) {
  return set(options, [&](auto& to) { to.decay = require_number(decay, "decay"); });
}

alexnet_status alexnet_train_options_set_schedule(alexnet_train_options* options,
                                                  const char* schedule) {
  return set(options, [&](auto& to) {
    require(schedule, "schedule");
    to.schedule = Schedule(schedule).text();  // refuses what is none
  });
}

alexnet_status alexnet_train_options_set_seed(alexnet_train_options* options, uint64_t seed) {
  return set(options, [&](auto& to) { to.others.seed = seed; });
}

alexnet_status alexnet_train_options_set_device(alexnet_train_options* options,
                                                const char* device) {
  return set(options, [&](auto& to) {
    require(device, "device");
    to.others.devices = device;
  });
}

alexnet_status alexnet_train_options_set_threads(alexnet_train_options* options, int32_t threads) {
  return set(options, [&](auto& to) {
    require_threads(threads);
    to.others.threads = threads;
  });
}

alexnet_status alexnet_train_options_set_precision(alexnet_train_options* options,
                                                   alexnet_precision precision) {
  return set(options, [&](auto& to) { to.others.precision = precision_of(precision); });
}

alexnet_status alexnet_train_options_set_parallelism(alexnet_train_options* options,
                                                     const char* parallelism) {
  return set(options, [&](auto& to) {
    require(parallelism, "parallelism");
    const std::string_view wanted = parallelism;
    check(wanted == "data" || wanted == "hybrid", Code::invalid_argument,
          "parallelism must be data or hybrid, got '", wanted, "'");
    to.others.hybrid = wanted == "hybrid";
  });
}

alexnet_status alexnet_train_options_set_data_threads(alexnet_train_options* options,
                                                      int32_t threads) {
  return set(options, [&](auto& to) {
    constexpr int32_t most = 256;
    require_threads(threads, most);
    to.others.data_threads = threads;
  });
}

alexnet_status alexnet_train_options_set_augmentation(alexnet_train_options* options,
                                                      int32_t random_crop, int32_t flip,
                                                      int64_t pad) {
  return set(options, [&](auto& to) {
    constexpr int64_t most = 1024;
    check(pad >= 0 && pad <= most, Code::invalid_argument, "pad must lie in 0..", most, ", got ",
          pad);
    to.augment = Augment{random_crop != 0, flip != 0, pad, 1};
  });
}

alexnet_status alexnet_train_options_set_color_noise(alexnet_train_options* options,
                                                     double deviation) {
  return set(options, [&](alexnet_train_options& to) {
    check(deviation >= 0 && deviation <= 10, Code::invalid_argument,
          "deviation must lie in 0..10, got ", deviation);
    to.color_noise = static_cast<float>(deviation);
  });
}

alexnet_status alexnet_train_options_set_layer_rate(alexnet_train_options* options,
                                                    const char* layer, double factor) {
  return set(options, [&](alexnet_train_options& to) {
    require(layer, "layer");
    check(factor >= 0 && factor <= 1e6, Code::invalid_argument,
          "factor must lie in 0..1000000, got ", factor);
    to.others.layer_rates[layer] = static_cast<float>(factor);
  });
}

alexnet_status alexnet_train_options_set_mean(alexnet_train_options* options, const char* mean) {
  return set(options, [&](alexnet_train_options& to) {
    require(mean, "mean");
    to.mean = mean_named(mean);
  });
}

alexnet_status alexnet_train_options_set_label_smoothing(alexnet_train_options* options,
                                                         double smoothing) {
  return set(options, [&](auto& to) {
    check(smoothing >= 0 && smoothing < 1, Code::invalid_argument,
          "smoothing must be 0 or more, below 1, got ", smoothing);
    to.others.label_smoothing = static_cast<float>(smoothing);
  });
}

alexnet_status alexnet_train_options_set_dropout(alexnet_train_options* options, int32_t enabled) {
  return set(options, [&](auto& to) { to.others.dropout = enabled != 0; });
}

alexnet_status alexnet_train_options_set_initial_weights(alexnet_train_options* options,
                                                         const char* path) {
  return set(options, [&](auto& to) {
    require(path, "path");
    to.others.init = path;
  });
}

alexnet_status alexnet_train_options_set_new_head(alexnet_train_options* options, int32_t enabled) {
  return set(options, [&](auto& to) { to.others.new_head = enabled != 0; });
}

alexnet_status alexnet_train_options_set_input_size(alexnet_train_options* options, int64_t side) {
  return set(options, [&](auto& to) {
    check(side >= 1, Code::invalid_argument, "side must be at least 1, got ", side);
    to.side = side;
  });
}

void alexnet_train_options_free(alexnet_train_options* options) { delete options; }
