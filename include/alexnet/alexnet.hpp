// libalexnet for C++17: handles that free themselves, and exceptions with the library's text, over alexnet.h. Header
// only: no C++ symbol is exported, so any compiler and standard library will do.
//
//   alexnet::Model model;                                // the weights that come with the library
//   alexnet::Session session(model);
//   for (const auto& answer : session.classify("cat.jpg").top(5))
//     std::cout << answer.label << ' ' << answer.probability << '\n';
//
// Every function may throw alexnet::Error, with status and text of the library, or std::bad_alloc of its own. Classes
// can be moved, not copied; one that was moved from can only be assigned to or destroyed. What is made from another
// object keeps what it needs of it alive. Threads are as alexnet.h says, and get() gives the handle for what only
// alexnet.h has.
#pragma once
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "alexnet/alexnet.h"

namespace alexnet {

class Error : public std::runtime_error {
 public:
  Error(alexnet_status status, const std::string& text) : std::runtime_error(text), status_(status) {}
  alexnet_status status() const noexcept { return status_; }

 private:
  alexnet_status status_;
};

inline void check(alexnet_status status) {
  if (status != ALEXNET_OK) throw Error(status, alexnet_last_error());
}

// Elements that lie in a row and belong to somebody else: a vector's, an array's, a string's.
template <class T>
class span {
 public:
  span() = default;
  span(T* data, size_t size) : data_(data), size_(size) {}
  template <class Container,
            class = std::enable_if_t<std::is_convertible_v<decltype(std::data(std::declval<Container&>())), T*> &&
                                     !std::is_same_v<std::decay_t<Container>, span>>>
  span(Container&& container) : data_(std::data(container)), size_(std::size(container)) {}
  T* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }
  T* begin() const noexcept { return data_; }
  T* end() const noexcept { return data_ + size_; }
  T& operator[](size_t i) const noexcept { return data_[i]; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

namespace detail {

struct Free {
  void operator()(alexnet_context* handle) const noexcept { (void)alexnet_context_free(handle); }
  void operator()(alexnet_model* handle) const noexcept { alexnet_model_free(handle); }
  void operator()(alexnet_session_options* handle) const noexcept { alexnet_session_options_free(handle); }
  void operator()(alexnet_session* handle) const noexcept { (void)alexnet_session_free(handle); }
  void operator()(alexnet_image* handle) const noexcept { alexnet_image_free(handle); }
  void operator()(alexnet_result* handle) const noexcept { alexnet_result_free(handle); }
  void operator()(alexnet_evaluation* handle) const noexcept { alexnet_evaluation_free(handle); }
  void operator()(alexnet_memory* handle) const noexcept { alexnet_memory_free(handle); }
  void operator()(alexnet_weights* handle) const noexcept { alexnet_weights_free(handle); }
  void operator()(alexnet_dataset* handle) const noexcept { alexnet_dataset_free(handle); }
  void operator()(alexnet_train_options* handle) const noexcept { alexnet_train_options_free(handle); }
  void operator()(alexnet_trainer* handle) const noexcept { (void)alexnet_trainer_free(handle); }
};
template <class T>
using Handle = std::unique_ptr<T, Free>;

// Calls make(T**) and owns what comes.
template <class T, class Make>
Handle<T> made(Make&& make) {
  T* handle = nullptr;
  check(make(&handle));
  return Handle<T>(handle);
}

// Calls get(T*) and returns what comes.
template <class T, class Get>
T got(Get&& get) {
  T value{};
  check(get(&value));
  return value;
}

inline const char* text_or_null(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

// `count` texts, the i-th by get(i, const char**).
template <class Get>
std::vector<std::string> texts(int64_t count, Get&& get) {
  std::vector<std::string> list;
  for (int64_t i = 0; i < count; ++i)
    list.emplace_back(got<const char*>([&](const char** text) { return get(i, text); }));
  return list;
}

}  // namespace detail

inline std::string version() { return alexnet_version(); }

struct Device {
  std::string name;
  std::string description;  // or why it cannot be used
  bool usable;
};

inline std::vector<Device> devices() {
  const auto count = detail::got<int64_t>(alexnet_device_count);
  const std::vector<std::string> names = detail::texts(count, alexnet_device_name);
  const std::vector<std::string> descriptions = detail::texts(count, alexnet_device_description);
  std::vector<Device> list;
  for (size_t i = 0; i < names.size(); ++i)
    list.push_back({names[i], descriptions[i], alexnet_device_probe(names[i].c_str()) == ALEXNET_OK});
  return list;
}

// Computes a small training step on the device and by plain loops; returns the largest relative difference. Throws
// where the device computes wrong.
inline double test_device(const std::string& device) {
  return detail::got<double>([&](double* difference) { return alexnet_device_self_test(device.c_str(), difference); });
}

// The zoo: what can be trained, and given to Model as the network of a file.
inline std::vector<std::string> networks() {
  return detail::texts(detail::got<int64_t>(alexnet_network_count), alexnet_network_name);
}

// Log, threads and memory of what is made in it. Most programs need none.
class Context {
 public:
  using Log = std::function<void(alexnet_log_level level, std::string_view line)>;

  Context() : handle_(detail::made<alexnet_context>(alexnet_context_create)) {}
  Context(Context&&) = default;
  Context& operator=(Context&& other) noexcept {
    handle_ = std::move(other.handle_);  // first: freeing the old handle waits for calls of the old log
    log_ = std::move(other.log_);
    return *this;
  }
  void set_threads(int32_t threads) { check(alexnet_context_set_threads(get(), threads)); }
  // Bytes of tensors in host memory: at most so many (0: no limit), and how many there are. An allocator of the
  // program's own is set by alexnet_context_set_allocator(get(), ...).
  void set_memory_limit(int64_t bytes) { check(alexnet_context_set_memory_limit(get(), bytes)); }
  int64_t memory_in_use() const {
    return detail::got<int64_t>([&](int64_t* bytes) { return alexnet_context_memory_in_use(get(), bytes); });
  }
  // Called from any thread that works; what it throws is dropped. Empty: none.
  void set_log(Log log) {
    auto kept = log ? std::make_unique<Log>(std::move(log)) : nullptr;
    check(alexnet_context_set_log_callback(get(), kept ? &Context::pass_on : nullptr, kept.get()));
    log_ = std::move(kept);  // the old one is in no call any more
  }
  alexnet_context* get() const noexcept { return handle_.get(); }

 private:
  static void ALEXNET_CALL pass_on(void* log, alexnet_log_level level, const char* line) noexcept {
    try {
      (*static_cast<Log*>(log))(level, line);
    } catch (...) {
    }
  }
  std::unique_ptr<Log> log_;  // outlives the handle, which waits for calls
  detail::Handle<alexnet_context> handle_;
};

struct Answer {
  int64_t index;  // of the class
  std::string label;
  float probability;
};

// Probabilities of one or more images.
class Result {
 public:
  explicit Result(detail::Handle<alexnet_result> handle) : handle_(std::move(handle)) {}
  int64_t count() const {
    return detail::got<int64_t>([&](int64_t* images) { return alexnet_result_count(get(), images); });
  }
  // The best classes of an image, the best first; fewer where there are fewer classes.
  std::vector<Answer> top(int64_t count, int64_t image = 0) const {
    const auto classes = static_cast<int64_t>(probabilities(image).size());
    std::vector<Answer> answers;
    for (int64_t rank = 0; rank < count && rank < classes; ++rank) {
      Answer answer{};
      const char* label = nullptr;
      check(alexnet_result_top(get(), image, rank, &answer.index, &label, &answer.probability));
      answer.label = label;
      answers.push_back(std::move(answer));
    }
    return answers;
  }
  // By class index.
  std::vector<float> probabilities(int64_t image = 0) const {
    const float* values = nullptr;
    int64_t classes = 0;
    check(alexnet_result_probabilities(get(), image, &values, &classes));
    return std::vector<float>(values, values + classes);
  }
  const alexnet_result* get() const noexcept { return handle_.get(); }

 private:
  detail::Handle<alexnet_result> handle_;
};

// A picture.
class Image {
 public:
  static Image from_file(const std::string& path) {
    return Image([&](alexnet_image** image) { return alexnet_image_from_file(path.c_str(), image); });
  }
  // The bytes of an encoded picture.
  static Image from_memory(const void* bytes, size_t size) {
    return Image([&](alexnet_image** image) { return alexnet_image_from_memory(bytes, size, image); });
  }
  static Image from_pixels(const uint8_t* pixels, int64_t width, int64_t height, int64_t stride = 0,
                           alexnet_pixel_format format = ALEXNET_PIXELS_RGB) {
    Image image(alexnet_image_create);
    check(alexnet_image_set_pixels(image.handle_.get(), pixels, width, height, stride, format));
    return image;
  }
  int64_t width() const {
    return detail::got<int64_t>([&](int64_t* width) { return alexnet_image_size(get(), width, nullptr); });
  }
  int64_t height() const {
    return detail::got<int64_t>([&](int64_t* height) { return alexnet_image_size(get(), nullptr, height); });
  }
  // RGB, rows without gaps; valid as long as the image.
  span<const uint8_t> pixels() const {
    const auto data = detail::got<const uint8_t*>([&](const uint8_t** p) { return alexnet_image_pixels(get(), p); });
    return {data, static_cast<size_t>(width() * height() * 3)};
  }
  const alexnet_image* get() const noexcept { return handle_.get(); }

 private:
  template <class Make>
  explicit Image(Make&& make) : handle_(detail::made<alexnet_image>(make)) {}
  detail::Handle<alexnet_image> handle_;
};

struct Layer {
  std::string name, op;
  int64_t channels, height, width;  // of its output for one image
  int64_t parameters, multiply_adds;
};

// Network, weights, preprocessing and labels of one file.
class Model {
 public:
  // A weight file, or the name of a network whose weights come with the library; empty: alexnet-cifar10. `network`: the
  // zoo network of a file that does not say it.
  explicit Model(const std::string& file_or_name = "", const std::string& network = "")
      : Model(nullptr, file_or_name, network) {}
  explicit Model(const Context& context, const std::string& file_or_name = "", const std::string& network = "")
      : Model(context.get(), file_or_name, network) {}
  explicit Model(detail::Handle<alexnet_model> handle) : handle_(std::move(handle)) {}

  // From the bytes of a weight file, which are copied.
  static Model from_memory(const void* bytes, size_t size, const std::string& network = "",
                           const Context* context = nullptr) {
    return Model(detail::made<alexnet_model>([&](alexnet_model** model) {
      return alexnet_model_open_memory(context ? context->get() : nullptr, bytes, size, detail::text_or_null(network),
                                       model);
    }));
  }
  // A network of the zoo with weights drawn from `seed`. `classes` and `side`: 0 for its own.
  static Model drawn(const std::string& network, int64_t classes = 0, int64_t side = 0, uint64_t seed = 1,
                     const Context* context = nullptr) {
    return Model(detail::made<alexnet_model>([&](alexnet_model** model) {
      return alexnet_model_create(context ? context->get() : nullptr, network.c_str(), classes, side, seed, model);
    }));
  }

  std::string name() const {
    return detail::got<const char*>([&](const char** name) { return alexnet_model_name(get(), name); });
  }
  std::vector<std::string> labels() const {
    const auto count = detail::got<int64_t>([&](int64_t* n) { return alexnet_model_class_count(get(), n); });
    return detail::texts(count, [&](int64_t i, const char** text) { return alexnet_model_label(get(), i, text); });
  }
  int64_t input_height() const {
    return detail::got<int64_t>([&](int64_t* height) { return alexnet_model_input_size(get(), height, nullptr); });
  }
  int64_t input_width() const {
    return detail::got<int64_t>([&](int64_t* width) { return alexnet_model_input_size(get(), nullptr, width); });
  }
  // How a picture becomes what the network reads, as JSON.
  std::string input_json() const {
    return detail::got<const char*>([&](const char** json) { return alexnet_model_input_json(get(), json); });
  }
  // What the network reads for a picture: crops x 3 x height x width floats.
  std::vector<float> preprocess(const Image& image, int32_t crops = 1) const {
    std::vector<float> values(static_cast<size_t>(crops > 0 ? 3 * input_height() * input_width() * crops : 1));
    check(alexnet_model_preprocess(get(), image.get(), crops, values.data(), static_cast<int64_t>(values.size())));
    return values;
  }
  // How far the probabilities of its file's self-test are off here; empty where the file has none. Throws where they
  // differ.
  std::optional<double> self_test(const std::string& device = "cpu") const {
    int32_t tested = 0;
    double difference = 0;
    check(alexnet_model_self_test(get(), device.c_str(), &tested, &difference));
    return tested ? std::optional<double>(difference) : std::nullopt;
  }
  int64_t parameters() const {
    return detail::got<int64_t>([&](int64_t* count) { return alexnet_model_parameter_count(get(), count); });
  }
  // In the order they run.
  std::vector<Layer> layers() const {
    const auto count = detail::got<int64_t>([&](int64_t* n) { return alexnet_model_layer_count(get(), n); });
    std::vector<Layer> layers(static_cast<size_t>(count));
    for (int64_t i = 0; i < count; ++i) {
      Layer& layer = layers[static_cast<size_t>(i)];
      const char *layer_name = nullptr, *op = nullptr;
      check(alexnet_model_layer_name(get(), i, &layer_name, &op));
      check(alexnet_model_layer_shape(get(), i, &layer.channels, &layer.height, &layer.width));
      check(alexnet_model_layer_cost(get(), i, &layer.parameters, &layer.multiply_adds));
      layer.name = layer_name;
      layer.op = op;
    }
    return layers;
  }
  const alexnet_model* get() const noexcept { return handle_.get(); }

 private:
  Model(alexnet_context* context, const std::string& file_or_name, const std::string& network)
      : handle_(detail::made<alexnet_model>([&](alexnet_model** model) {
          return alexnet_model_open(context, detail::text_or_null(file_or_name), detail::text_or_null(network), model);
        })) {}
  detail::Handle<alexnet_model> handle_;
};

// Labelled pictures: a folder of class folders, CIFAR-10 binary, or idx files.
class Dataset {
 public:
  explicit Dataset(const std::string& folder, const std::string& part = "train")
      : handle_(detail::made<alexnet_dataset>(
            [&](alexnet_dataset** data) { return alexnet_dataset_open(folder.c_str(), part.c_str(), data); })) {}
  // In memory, empty at first, with these classes.
  static Dataset in_memory(const std::vector<std::string>& classes) {
    std::vector<const char*> names;
    for (const std::string& name : classes) names.push_back(name.c_str());
    return Dataset(detail::made<alexnet_dataset>([&](alexnet_dataset** data) {
      return alexnet_dataset_create(names.data(), static_cast<int64_t>(names.size()), data);
    }));
  }
  // To a set in memory, before something is made with it.
  void add(const Image& image, int64_t class_index) {
    check(alexnet_dataset_add(handle_.get(), image.get(), class_index));
  }
  int64_t size() const {
    return detail::got<int64_t>([&](int64_t* images) { return alexnet_dataset_size(get(), images); });
  }
  std::vector<std::string> classes() const {
    const auto count = detail::got<int64_t>([&](int64_t* n) { return alexnet_dataset_class_count(get(), n); });
    return detail::texts(count,
                         [&](int64_t i, const char** name) { return alexnet_dataset_class_name(get(), i, name); });
  }
  const alexnet_dataset* get() const noexcept { return handle_.get(); }

 private:
  explicit Dataset(detail::Handle<alexnet_dataset> handle) : handle_(std::move(handle)) {}
  detail::Handle<alexnet_dataset> handle_;
};

// Accuracy over labelled pictures.
struct Evaluation {
  int64_t images = 0, broken = 0;       // those that could not be read do not count as images
  double top1 = 0, top5 = 0, loss = 0;  // fractions; mean of -log(probability of the true class)

  // Images of class `truth` that were taken for class `answer`.
  int64_t confusion(int64_t truth, int64_t answer) const {
    return detail::got<int64_t>(
        [&](int64_t* count) { return alexnet_evaluation_confusion(handle.get(), truth, answer, count); });
  }
  std::shared_ptr<const alexnet_evaluation> handle;
};

// How far long work has come. False stops it.
using Progress = std::function<bool(int64_t done, int64_t total)>;

// Bytes that a session or trainer takes on its devices.
struct Memory {
  int64_t total = 0, weights = 0, gradients = 0, optimizer = 0, activations = 0;
  int64_t workspace = 0;  // of the activations, the largest scratch area
};

namespace detail {

// Calls make(callback, user_data, alexnet_evaluation**) and reads what comes. What `progress` throws comes out here.
template <class Make>
Evaluation evaluation(const Progress& progress, Make&& make) {
  struct State {
    const Progress& call;
    std::exception_ptr thrown;
  } state{progress, nullptr};
  const alexnet_progress_callback pass_on = [](void* to, int64_t done, int64_t total) -> int32_t {
    State& at = *static_cast<State*>(to);
    try {
      return at.call(done, total) ? 0 : 1;
    } catch (...) {
      at.thrown = std::current_exception();
      return 1;
    }
  };
  alexnet_evaluation* handle = nullptr;
  const alexnet_status status = make(progress ? pass_on : nullptr, &state, &handle);
  if (state.thrown) std::rethrow_exception(state.thrown);
  check(status);
  Evaluation e;
  e.handle = Handle<alexnet_evaluation>(handle);
  check(alexnet_evaluation_counts(e.handle.get(), &e.images, &e.broken));
  check(alexnet_evaluation_rates(e.handle.get(), &e.top1, &e.top5, &e.loss));
  return e;
}

// Calls make(alexnet_memory**) and reads what comes, of all devices together.
template <class Make>
Memory memory(Make&& make) {
  const auto handle = made<alexnet_memory>(make);
  const auto bytes = [&](alexnet_memory_kind kind) {
    return got<int64_t>([&](int64_t* out) { return alexnet_memory_bytes(handle.get(), -1, kind, out); });
  };
  return {bytes(ALEXNET_MEMORY_TOTAL),     bytes(ALEXNET_MEMORY_WEIGHTS),     bytes(ALEXNET_MEMORY_GRADIENTS),
          bytes(ALEXNET_MEMORY_OPTIMIZER), bytes(ALEXNET_MEMORY_ACTIVATIONS), bytes(ALEXNET_MEMORY_WORKSPACE)};
}

}  // namespace detail

struct SessionOptions {
  std::string device = "cpu";
  int32_t threads = 0;  // 0: the context's
  int64_t batch = 1;
  alexnet_precision precision = ALEXNET_PRECISION_FP32;
  std::vector<std::string> outputs;  // layers for Session::features
};

// A model bound to devices, batch and precision. One thread at a time.
class Session {
 public:
  explicit Session(const Model& model, const SessionOptions& options = {})
      : image_size_(static_cast<size_t>(3 * model.input_height() * model.input_width())),
        handle_(detail::made<alexnet_session>([&](alexnet_session** session) {
          return alexnet_session_create(model.get(), handle_of(options).get(), session);
        })) {}

  // What a session would take.
  static Memory plan_memory(const Model& model, const SessionOptions& options = {}) {
    return detail::memory([&](alexnet_memory** memory) {
      return alexnet_session_plan_memory(model.get(), handle_of(options).get(), memory);
    });
  }
  Memory memory() const {
    return detail::memory([&](alexnet_memory** memory) { return alexnet_session_memory(handle_.get(), memory); });
  }

  // The picture in a file.
  Result classify(const std::string& path) {
    return result([&](alexnet_result** result) { return alexnet_session_classify_file(get(), path.c_str(), result); });
  }
  // The bytes of such a file.
  Result classify_memory(const void* bytes, size_t size) {
    return result([&](alexnet_result** result) { return alexnet_session_classify_memory(get(), bytes, size, result); });
  }
  // `crops`: 1, the centre, or 10.
  Result classify(span<const Image> images, int32_t crops = 1) {
    const std::vector<const alexnet_image*> list = pointers(images);
    return result([&](alexnet_result** result) {
      return alexnet_session_classify_images(get(), list.data(), static_cast<int64_t>(list.size()), crops, result);
    });
  }
  Result classify(const Image& image, int32_t crops = 1) { return classify(span<const Image>(&image, 1), crops); }
  // Preprocessed images, 3 x height x width floats each.
  Result run(span<const float> values) {
    if (values.size() % image_size_ != 0)
      throw Error(ALEXNET_ERROR_INVALID_ARGUMENT, "values: " + std::to_string(values.size()) +
                                                      " floats are no whole count of images of " +
                                                      std::to_string(image_size_));
    const auto count = static_cast<int64_t>(values.size() / image_size_);
    return result(
        [&](alexnet_result** result) { return alexnet_session_run_tensor(get(), values.data(), count, result); });
  }
  // Activations of a layer of options.outputs: images x channels x height x width floats.
  std::vector<float> features(span<const Image> images, const std::string& layer) {
    int64_t channels = 0, height = 0, width = 0;
    check(alexnet_session_output_shape(get(), layer.c_str(), &channels, &height, &width));
    const std::vector<const alexnet_image*> list = pointers(images);
    std::vector<float> values(list.size() * static_cast<size_t>(channels * height * width));
    check(alexnet_session_features(get(), list.data(), static_cast<int64_t>(list.size()), layer.c_str(), values.data(),
                                   static_cast<int64_t>(values.size())));
    return values;
  }
  std::vector<float> features(const Image& image, const std::string& layer) {
    return features(span<const Image>(&image, 1), layer);
  }
  // Accuracy. What `progress` throws comes out here.
  Evaluation evaluate(const Dataset& data, int32_t crops = 1, const Progress& progress = nullptr) {
    return evaluate({this}, data, crops, progress);
  }
  // Of the mean answer of several sessions, whose models have the same labels.
  static Evaluation evaluate(const std::vector<Session*>& sessions, const Dataset& data, int32_t crops = 1,
                             const Progress& progress = nullptr) {
    std::vector<alexnet_session*> handles;
    for (const Session* session : sessions) handles.push_back(session->get());
    return detail::evaluation(progress, [&](alexnet_progress_callback call, void* to, alexnet_evaluation** made) {
      return alexnet_session_evaluate(handles.data(), static_cast<int64_t>(handles.size()), data.get(), crops, call, to,
                                      made);
    });
  }
  alexnet_session* get() const noexcept { return handle_.get(); }

 private:
  static detail::Handle<alexnet_session_options> handle_of(const SessionOptions& options) {
    auto handle = detail::made<alexnet_session_options>(alexnet_session_options_create);
    check(alexnet_session_options_set_device(handle.get(), options.device.c_str()));
    check(alexnet_session_options_set_threads(handle.get(), options.threads));
    check(alexnet_session_options_set_batch(handle.get(), options.batch));
    check(alexnet_session_options_set_precision(handle.get(), options.precision));
    for (const std::string& layer : options.outputs)
      check(alexnet_session_options_add_output(handle.get(), layer.c_str()));
    return handle;
  }
  template <class Make>
  static Result result(Make&& make) {
    return Result(detail::made<alexnet_result>(make));
  }
  static std::vector<const alexnet_image*> pointers(span<const Image> images) {
    std::vector<const alexnet_image*> list;
    for (const Image& image : images) list.push_back(image.get());
    return list;
  }
  size_t image_size_;
  detail::Handle<alexnet_session> handle_;
};

struct TensorInfo {
  std::string name, type;  // type as stored: "F32", "F16", "BF16", "I8"
  std::vector<int64_t> shape;
};

// An opened weight file, whatever its network.
class Weights {
 public:
  explicit Weights(const std::string& path)
      : handle_(detail::made<alexnet_weights>(
            [&](alexnet_weights** weights) { return alexnet_weights_open(path.c_str(), weights); })) {}
  std::vector<TensorInfo> tensors() const {
    const auto count = detail::got<int64_t>([&](int64_t* n) { return alexnet_weights_tensor_count(get(), n); });
    std::vector<TensorInfo> list;
    for (int64_t i = 0; i < count; ++i) {
      const char *name = nullptr, *type = nullptr;
      const int64_t* dimensions = nullptr;
      int64_t rank = 0;
      check(alexnet_weights_tensor(get(), i, &name, &type, &dimensions, &rank));
      list.push_back({name, type, std::vector<int64_t>(dimensions, dimensions + rank)});
    }
    return list;
  }
  std::vector<float> read(const TensorInfo& tensor) const {
    size_t count = 1;
    for (const int64_t n : tensor.shape) count *= static_cast<size_t>(n);
    std::vector<float> values(count);
    float nothing = 0;  // an empty vector has no address to give
    check(alexnet_weights_read(get(), tensor.name.c_str(), count ? values.data() : &nothing,
                               static_cast<int64_t>(count)));
    return values;
  }
  // Empty where there is no such key.
  std::optional<std::string> metadata(const std::string& key) const {
    const char* value = nullptr;
    const alexnet_status status = alexnet_weights_metadata(get(), key.c_str(), &value);
    if (status == ALEXNET_ERROR_NOT_FOUND) return std::nullopt;
    check(status);
    return value;
  }
  const alexnet_weights* get() const noexcept { return handle_.get(); }

 private:
  detail::Handle<alexnet_weights> handle_;
};

// Throws with every fault, one a line. Returns how far the probabilities of the file's self-test were off; empty where
// it has none.
inline std::optional<double> verify(const std::string& path, const std::string& device = "cpu") {
  int32_t tested = 0;
  double difference = 0;
  check(alexnet_weights_verify(path.c_str(), device.c_str(), &tested, &difference));
  return tested ? std::optional<double>(difference) : std::nullopt;
}

inline void convert(const std::string& from, const std::string& to, const std::string& network = "",
                    alexnet_precision precision = ALEXNET_PRECISION_AS_STORED, bool plain = false) {
  check(alexnet_weights_convert(from.c_str(), to.c_str(), detail::text_or_null(network), precision, plain ? 1 : 0));
}

struct Augmentation {
  bool random_crop = true, flip = true;
  int64_t pad = 0;
};

// What is empty comes from the network's recipe.
struct TrainOptions {
  std::optional<int64_t> epochs, batch;
  std::optional<double> learning_rate, momentum, weight_decay;
  std::optional<std::string> schedule;
  std::optional<Augmentation> augmentation;
  std::optional<int64_t> input_size;
  uint64_t seed = 1;
  std::string device = "cpu";
  int32_t threads = 0;  // 0: the context's
  int32_t data_threads = 1;
  double label_smoothing = 0;
  bool dropout = true;
  std::string initial_weights;  // empty: drawn
};

using Step = alexnet_step;  // a training step that has been made

struct TrainProgress {
  int64_t steps_done = 0, total_steps = 0, steps_per_epoch = 0;
};

// A network that learns. One thread at a time, cancel() apart.
class Trainer {
 public:
  using OnStep = std::function<void(const Step&)>;

  // A network of the zoo, for as many classes as the data have.
  Trainer(const std::string& network, const Dataset& data, const TrainOptions& options = {},
          const Context* context = nullptr)
      : handle_(detail::made<alexnet_trainer>([&](alexnet_trainer** trainer) {
          return alexnet_trainer_create(handle_of(context), network.c_str(), data.get(), handle_of(options).get(),
                                        trainer);
        })) {}

  // What a trainer would take, for data of so many classes.
  static Memory plan_memory(const std::string& network, int64_t classes, const TrainOptions& options = {},
                            const Context* context = nullptr) {
    return detail::memory([&](alexnet_memory** memory) {
      return alexnet_trainer_plan_memory(handle_of(context), network.c_str(), classes, handle_of(options).get(),
                                         memory);
    });
  }
  Memory memory() const {
    return detail::memory([&](alexnet_memory** memory) { return alexnet_trainer_memory(get(), memory); });
  }

  // Goes on from a checkpoint; of `options` only epochs, device, threads and data_threads count.
  static Trainer resume(const std::string& checkpoint, const Dataset& data, const TrainOptions& options = {},
                        const Context* context = nullptr) {
    return Trainer(detail::made<alexnet_trainer>([&](alexnet_trainer** trainer) {
      return alexnet_trainer_resume(handle_of(context), checkpoint.c_str(), data.get(), handle_of(options).get(),
                                    trainer);
    }));
  }

  // Called after each step. What it throws stops the run and comes out of run() or step(). Empty: none.
  void on_step(OnStep call) {
    auto kept = call ? std::make_unique<State>() : nullptr;
    if (kept) *kept = {std::move(call), nullptr, get(), false};
    check(alexnet_trainer_set_step_callback(get(), kept ? &Trainer::pass_on : nullptr, kept.get()));
    state_ = std::move(kept);
  }
  // run() keeps a checkpoint there: after each `every` steps (0: each epoch), when cancelled, and at its end. Empty:
  // none.
  void set_checkpoint(const std::string& path, int64_t every = 0) {
    check(alexnet_trainer_set_checkpoint(get(), detail::text_or_null(path), every));
  }
  void step() { done(alexnet_trainer_step(get(), nullptr, nullptr)); }
  // To the end, or `steps` more. False: cancelled; another run goes on.
  bool run(int64_t steps = 0) {
    if (state_) state_->running = true;
    return done(alexnet_trainer_run(get(), steps));
  }
  // From any thread, and inside on_step.
  void cancel() const { check(alexnet_trainer_cancel(get())); }
  TrainProgress progress() const {
    TrainProgress p;
    check(alexnet_trainer_progress(get(), &p.steps_done, &p.total_steps, &p.steps_per_epoch));
    return p;
  }
  void save_checkpoint(const std::string& path) { check(alexnet_trainer_save_checkpoint(get(), path.c_str())); }
  void save_weights(const std::string& path, alexnet_precision precision = ALEXNET_PRECISION_FP32) {
    check(alexnet_trainer_save_weights(get(), path.c_str(), precision));
  }
  // Accuracy of the weights as they are now. What `progress` throws comes out here.
  Evaluation evaluate(const Dataset& data, int32_t crops = 1, const Progress& progress = nullptr) {
    return detail::evaluation(progress, [&](alexnet_progress_callback call, void* to, alexnet_evaluation** made) {
      return alexnet_trainer_evaluate(get(), data.get(), crops, call, to, made);
    });
  }
  // A copy of the network as it is now.
  Model model() {
    return Model(
        detail::made<alexnet_model>([&](alexnet_model** model) { return alexnet_trainer_model(get(), model); }));
  }
  alexnet_trainer* get() const noexcept { return handle_.get(); }

 private:
  struct State {
    OnStep call;
    std::exception_ptr thrown;
    alexnet_trainer* trainer = nullptr;
    bool running = false;  // else there is nothing to cancel
  };
  explicit Trainer(detail::Handle<alexnet_trainer> handle) : handle_(std::move(handle)) {}
  static alexnet_context* handle_of(const Context* context) { return context ? context->get() : nullptr; }
  static detail::Handle<alexnet_train_options> handle_of(const TrainOptions& options) {
    auto handle = detail::made<alexnet_train_options>(alexnet_train_options_create);
    alexnet_train_options* to = handle.get();
    if (options.epochs) check(alexnet_train_options_set_epochs(to, *options.epochs));
    if (options.batch) check(alexnet_train_options_set_batch(to, *options.batch));
    if (options.learning_rate) check(alexnet_train_options_set_learning_rate(to, *options.learning_rate));
    if (options.momentum) check(alexnet_train_options_set_momentum(to, *options.momentum));
    if (options.weight_decay) check(alexnet_train_options_set_weight_decay(to, *options.weight_decay));
    if (options.schedule) check(alexnet_train_options_set_schedule(to, options.schedule->c_str()));
    if (const auto& a = options.augmentation)
      check(alexnet_train_options_set_augmentation(to, a->random_crop ? 1 : 0, a->flip ? 1 : 0, a->pad));
    if (options.input_size) check(alexnet_train_options_set_input_size(to, *options.input_size));
    check(alexnet_train_options_set_seed(to, options.seed));
    check(alexnet_train_options_set_device(to, options.device.c_str()));
    check(alexnet_train_options_set_threads(to, options.threads));
    check(alexnet_train_options_set_data_threads(to, options.data_threads));
    check(alexnet_train_options_set_label_smoothing(to, options.label_smoothing));
    check(alexnet_train_options_set_dropout(to, options.dropout ? 1 : 0));
    if (!options.initial_weights.empty())
      check(alexnet_train_options_set_initial_weights(to, options.initial_weights.c_str()));
    return handle;
  }
  static void ALEXNET_CALL pass_on(void* user_data, const alexnet_step* step) noexcept {
    State& state = *static_cast<State*>(user_data);
    try {
      state.call(*step);
    } catch (...) {
      state.thrown = std::current_exception();
      if (state.running) (void)alexnet_trainer_cancel(state.trainer);
    }
  }
  bool done(alexnet_status status) {
    if (state_) state_->running = false;
    if (state_ && state_->thrown) std::rethrow_exception(std::exchange(state_->thrown, nullptr));
    if (status == ALEXNET_ERROR_CANCELLED) return false;
    check(status);
    return true;
  }
  std::unique_ptr<State> state_;  // outlives the handle
  detail::Handle<alexnet_trainer> handle_;
};

}  // namespace alexnet
