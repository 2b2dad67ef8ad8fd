// Devices, networks of the zoo, and models.
#include <mutex>
#include <set>

#include "backends/registry.h"
#include "core/text.h"
#include "handles.h"
#include "models/zoo.h"
#include "network/bundled.h"
#include "network/device_test.h"
#include "network/named.h"
#include "plan/types.h"

using namespace alx;
using namespace alx::capi;

namespace {

const std::vector<DeviceInfo>& known_devices() {
  static const std::vector<DeviceInfo> devices = list_devices();
  return devices;
}

const std::vector<std::string>& known_networks() {
  static const std::vector<std::string> names = model_names();
  return names;
}

const DeviceInfo& device_at(int64_t index) {
  require_index(index, static_cast<int64_t>(known_devices().size()), "index");
  return known_devices()[static_cast<size_t>(index)];
}

const LayerInfo& layer_at(const alexnet_model* model, int64_t index) {
  require(model, "model");
  require_index(index, static_cast<int64_t>(model->layers.size()), "index");
  return model->layers[static_cast<size_t>(index)];
}

// Texts that a program may hold as long as it runs: few, and each once.
const std::string& kept_for_good(std::string text) {
  static std::mutex mutex;
  static auto& kept = *new std::set<std::string>;
  const std::lock_guard lock(mutex);
  return *kept.insert(std::move(text)).first;
}

}  // namespace

alexnet_model* alx::capi::make_model_handle(std::shared_ptr<const Model> model,
                                            std::shared_ptr<const Settings> settings) {
  std::vector<LayerInfo> layers = layer_table(model->spec());
  std::string input = to_json(model->spec().input);
  return new alexnet_model{std::move(model), std::move(layers), std::move(input),
                           std::move(settings)};
}

alexnet_status alexnet_device_count(int64_t* count) {
  return guard([&] {
    require(count, "count");
    *count = static_cast<int64_t>(known_devices().size());
  });
}

alexnet_status alexnet_device_name(int64_t index, const char** name) {
  return guard([&] {
    require(name, "name");
    *name = device_at(index).name.c_str();
  });
}

alexnet_status alexnet_device_description(int64_t index, const char** description) {
  return guard([&] {
    require(description, "description");
    const DeviceInfo& device = device_at(index);
    *description = (device.usable ? device.description : device.reason).c_str();
  });
}

alexnet_status alexnet_device_probe(const char* device) {
  return guard([&] {
    require(device, "device");
    open_devices(device);
  });
}

alexnet_status alexnet_device_probe_precision(const char* device, alexnet_precision precision,
                                              int32_t training) {
  return guard([&] {
    require(device, "device");
    const Precision wanted = precision_of(precision);
    for (const std::string& name : split(device, ',')) {
      const DeviceInfo info = usable_device(name);
      if (training)
        check_takes(info.name, info.training, wanted, Phase::training);
      else
        check_takes(info.name, info.inference, wanted, Phase::inference);
    }
  });
}

alexnet_status alexnet_device_self_test(const char* device, double* difference) {
  return guard([&] {
    require(device, "device");
    give(difference, test_device(device));
  });
}

alexnet_status alexnet_network_count(int64_t* count) {
  return guard([&] {
    require(count, "count");
    *count = static_cast<int64_t>(known_networks().size());
  });
}

alexnet_status alexnet_network_name(int64_t index, const char** name) {
  return guard([&] {
    require(name, "name");
    require_index(index, static_cast<int64_t>(known_networks().size()), "index");
    *name = known_networks()[static_cast<size_t>(index)].c_str();
  });
}

alexnet_status alexnet_network_weights(const char* network, const char** path) {
  return guard([&] {
    require(network, "network");
    require(path, "path");
    check(in_zoo(network), Code::not_found, "'", network,
          "' is no network of the library; there are: ", joined(model_names()));
    std::string file = bundled_weights(network);
    if (file.empty()) file = weights_named(network);  // says where it was looked for
    *path = kept_for_good(std::move(file)).c_str();
  });
}

alexnet_status alexnet_model_open(alexnet_context* context, const char* file_or_name,
                                  const char* network, alexnet_model** model) {
  return guard([&] {
    require(model, "model");
    const auto settings = settings_of(context);
    auto opened = Model::open(file_or_name ? file_or_name : bundled_network, network ? network : "",
                              settings->limits());
    *model = make_model_handle(std::move(opened), settings);
  });
}

alexnet_status alexnet_model_open_memory(alexnet_context* context, const void* bytes, size_t size,
                                         const char* network, alexnet_model** model) {
  return guard([&] {
    require(model, "model");
    const std::span<const std::byte> given = require_bytes(bytes, size);
    const auto settings = settings_of(context);
    auto opened = Model::open(std::vector<std::byte>(given.begin(), given.end()),
                              network ? network : "", settings->limits());
    *model = make_model_handle(std::move(opened), settings);
  });
}

alexnet_status alexnet_model_create(alexnet_context* context, const char* network, int64_t classes,
                                    int64_t side, uint64_t seed, alexnet_model** model) {
  return guard([&] {
    require(network, "network");
    require(model, "model");
    check(classes >= 0, Code::invalid_argument,
          "classes must be 0 (the network's own) or more, got ", classes);
    check(side >= 0, Code::invalid_argument, "side must be 0 (the network's own) or more, got ",
          side);
    const auto settings = settings_of(context);
    auto made = Model::of(network_named(network, {classes, side, side}, settings->limits()),
                          random_weights(seed));
    *model = make_model_handle(std::move(made), settings);
  });
}

alexnet_status alexnet_model_name(const alexnet_model* model, const char** name) {
  return guard([&] {
    require(model, "model");
    require(name, "name");
    *name = model->model->spec().id.c_str();
  });
}

alexnet_status alexnet_model_class_count(const alexnet_model* model, int64_t* count) {
  return guard([&] {
    require(model, "model");
    require(count, "count");
    *count = model->model->spec().classes;
  });
}

alexnet_status alexnet_model_label(const alexnet_model* model, int64_t class_index,
                                   const char** label) {
  return guard([&] {
    require(model, "model");
    require(label, "label");
    require_index(class_index, model->model->spec().classes, "class_index");
    *label = model->model->labels()[static_cast<size_t>(class_index)].c_str();
  });
}

alexnet_status alexnet_model_input_size(const alexnet_model* model, int64_t* height,
                                        int64_t* width) {
  return guard([&] {
    require(model, "model");
    give(height, model->model->spec().input.height);
    give(width, model->model->spec().input.width);
  });
}

alexnet_status alexnet_model_input_json(const alexnet_model* model, const char** json) {
  return guard([&] {
    require(model, "model");
    require(json, "json");
    *json = model->input_json.c_str();
  });
}

alexnet_status alexnet_model_preprocess(const alexnet_model* model, const alexnet_image* image,
                                        int32_t crops, float* values, int64_t capacity) {
  return guard([&] {
    require(model, "model");
    require(image, "image");
    require(values, "values");
    check(image->image.width > 0, Code::invalid_argument, "image has no pixels; set them first");
    const std::vector<float> prepared = prepare(*model->model, image->image, crops);
    const auto needed = static_cast<int64_t>(prepared.size());
    check(capacity >= needed, Code::invalid_argument, "capacity is ", capacity, ", but ", crops,
          " crops take ", needed, " floats");
    std::copy(prepared.begin(), prepared.end(), values);
  });
}

alexnet_status alexnet_model_self_test(const alexnet_model* model, const char* device,
                                       int32_t* tested, double* difference) {
  return guard([&] {
    require(model, "model");
    SessionOptions options;
    options.devices = device ? device : "cpu";
    options.threads = model->settings->threads;
    options.host = model->settings->host(options.threads);
    const std::optional<double> found = self_test(model->model, options);
    give(tested, int32_t{found.has_value()});
    give(difference, found.value_or(0));
  });
}

alexnet_status alexnet_model_parameter_count(const alexnet_model* model, int64_t* count) {
  return guard([&] {
    require(model, "model");
    require(count, "count");
    int64_t sum = 0;
    for (const LayerInfo& layer : model->layers) sum += layer.parameters;
    *count = sum;
  });
}

alexnet_status alexnet_model_layer_count(const alexnet_model* model, int64_t* count) {
  return guard([&] {
    require(model, "model");
    require(count, "count");
    *count = static_cast<int64_t>(model->layers.size());
  });
}

alexnet_status alexnet_model_layer_name(const alexnet_model* model, int64_t index,
                                        const char** name, const char** op) {
  return guard([&] {
    const LayerInfo& layer = layer_at(model, index);
    give(name, layer.name.c_str());
    give(op, layer.op.c_str());
  });
}

alexnet_status alexnet_model_layer_shape(const alexnet_model* model, int64_t index,
                                         int64_t* channels, int64_t* height, int64_t* width) {
  return guard([&] { give_shape(layer_at(model, index).output, channels, height, width); });
}

alexnet_status alexnet_model_layer_cost(const alexnet_model* model, int64_t index,
                                        int64_t* parameters, int64_t* multiply_adds) {
  return guard([&] {
    const LayerInfo& layer = layer_at(model, index);
    give(parameters, layer.parameters);
    give(multiply_adds, layer.multiply_adds);
  });
}

void alexnet_model_free(alexnet_model* model) { delete model; }
