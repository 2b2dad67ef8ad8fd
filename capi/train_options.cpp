// Options of training: each setter sets one thing.
#include "handles.h"

using namespace alx;
using namespace alx::capi;

namespace {

// Sets what the options say.
template <class Set>
alexnet_status set(alexnet_train_options* options, const Set& change) {
  return guard([&] {
    require(options, "options");
    change(options->overrides);
  });
}

template <class To, class Number>
alexnet_status set_number(alexnet_train_options* options, std::optional<To> Overrides::*member,
                          const Bound<Number>& bound, Number value, const char* argument) {
  return set(options, [&](Overrides& to) {
    check_bound(bound, value, argument);
    to.*member = static_cast<To>(value);
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
  return set_number(options, &Overrides::epochs, bounds::epochs, epochs, "epochs");
}

alexnet_status alexnet_train_options_set_batch(alexnet_train_options* options, int64_t batch) {
  return set_number(options, &Overrides::batch, bounds::batch, batch, "batch");
}

alexnet_status alexnet_train_options_set_learning_rate(alexnet_train_options* options,
                                                       double rate) {
  return set_number(options, &Overrides::rate, bounds::rate, rate, "rate");
}

alexnet_status alexnet_train_options_set_momentum(alexnet_train_options* options, double momentum) {
  return set_number(options, &Overrides::momentum, bounds::momentum, momentum, "momentum");
}

alexnet_status alexnet_train_options_set_weight_decay(alexnet_train_options* options,
                                                      double decay) {
  return set_number(options, &Overrides::decay, bounds::decay, decay, "decay");
}

alexnet_status alexnet_train_options_set_schedule(alexnet_train_options* options,
                                                  const char* schedule) {
  return set(options, [&](auto& to) {
    require(schedule, "schedule");
    to.schedule = Schedule(schedule).text();  // refuses what is none
  });
}

alexnet_status alexnet_train_options_set_seed(alexnet_train_options* options, uint64_t seed) {
  return set(options, [&](auto& to) { to.plain.seed = seed; });
}

alexnet_status alexnet_train_options_set_device(alexnet_train_options* options,
                                                const char* device) {
  return set(options, [&](auto& to) {
    require(device, "device");
    to.plain.devices = device;
  });
}

alexnet_status alexnet_train_options_set_threads(alexnet_train_options* options, int32_t threads) {
  return set(options, [&](auto& to) {
    require_threads(threads);
    to.plain.threads = threads;
  });
}

alexnet_status alexnet_train_options_set_precision(alexnet_train_options* options,
                                                   alexnet_precision precision) {
  return set(options, [&](auto& to) { to.plain.precision = precision_of(precision); });
}

alexnet_status alexnet_train_options_set_parallelism(alexnet_train_options* options,
                                                     const char* parallelism) {
  return set(options, [&](auto& to) {
    require(parallelism, "parallelism");
    const std::string_view wanted = parallelism;
    check(wanted == "data" || wanted == "hybrid", Code::invalid_argument,
          "parallelism must be data or hybrid, got '", wanted, "'");
    to.plain.hybrid = wanted == "hybrid";
  });
}

alexnet_status alexnet_train_options_set_data_threads(alexnet_train_options* options,
                                                      int32_t threads) {
  return set(options, [&](auto& to) {
    check_bound(bounds::data_threads, threads, "threads");
    to.plain.data_threads = threads;
  });
}

alexnet_status alexnet_train_options_set_augmentation(alexnet_train_options* options,
                                                      int32_t random_crop, int32_t flip,
                                                      int64_t pad) {
  return set(options, [&](auto& to) {
    check_bound(bounds::pad, pad, "pad");
    to.random_crop = random_crop != 0;
    to.flip = flip != 0;
    to.pad = pad;
  });
}

alexnet_status alexnet_train_options_set_color_noise(alexnet_train_options* options,
                                                     double deviation) {
  return set_number(options, &Overrides::colour_noise, bounds::colour_noise, deviation,
                    "deviation");
}

alexnet_status alexnet_train_options_set_layer_rate(alexnet_train_options* options,
                                                    const char* layer, double factor) {
  return set(options, [&](auto& to) {
    require(layer, "layer");
    check_bound(bounds::layer_rate, factor, "factor");
    to.plain.layer_rates[layer] = static_cast<float>(factor);
  });
}

alexnet_status alexnet_train_options_set_mean(alexnet_train_options* options, const char* mean) {
  return set(options, [&](auto& to) {
    require(mean, "mean");
    to.mean = mean_named(mean);
  });
}

alexnet_status alexnet_train_options_set_label_smoothing(alexnet_train_options* options,
                                                         double smoothing) {
  return set(options, [&](auto& to) {
    check_bound(bounds::label_smoothing, smoothing, "smoothing");
    to.plain.label_smoothing = static_cast<float>(smoothing);
  });
}

alexnet_status alexnet_train_options_set_class_weights(alexnet_train_options* options,
                                                       const char* weights) {
  return set(options, [&](auto& to) {
    require(weights, "weights");
    to.plain.balance_classes = balances(weights);
  });
}

alexnet_status alexnet_train_options_set_dropout(alexnet_train_options* options, int32_t enabled) {
  return set(options, [&](auto& to) { to.plain.dropout = enabled != 0; });
}

alexnet_status alexnet_train_options_set_initial_weights(alexnet_train_options* options,
                                                         const char* path) {
  return set(options, [&](auto& to) {
    require(path, "path");
    to.plain.init = path;
  });
}

alexnet_status alexnet_train_options_set_new_head(alexnet_train_options* options, int32_t enabled) {
  return set(options, [&](auto& to) { to.plain.new_head = enabled != 0; });
}

alexnet_status alexnet_train_options_set_freeze(alexnet_train_options* options,
                                                const char* layers) {
  return set(options, [&](auto& to) {
    require(layers, "layers");
    to.plain.freeze = freezes(layers);
  });
}

alexnet_status alexnet_train_options_set_input_size(alexnet_train_options* options, int64_t side) {
  return set(options, [&](auto& to) {
    check_bound(bounds::side, side, "side");
    to.side = side;
  });
}

alexnet_status alexnet_train_options_set_validation(alexnet_train_options* options,
                                                    const alexnet_dataset* data) {
  return set(options, [&](auto& to) { to.plain.validation = data ? data->data : nullptr; });
}

alexnet_status alexnet_train_options_set_validation_share(alexnet_train_options* options,
                                                          double share) {
  return set(options, [&](auto& to) {
    if (share != 0) check_bound(bounds::validation_share, share, "share: 0 (none), else it");
    to.plain.validation_share = share;
  });
}

void alexnet_train_options_free(alexnet_train_options* options) { delete options; }
