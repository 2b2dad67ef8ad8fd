// libalexnet for C++17: handles that free themselves, and exceptions with the library's text, over
// alexnet.h. Header only: no C++ symbol is exported, so any compiler and standard library will do.
//
//   alexnet::Model model;                                // the weights that come with the library
//   alexnet::Session session(model);
//   for (const auto& answer : session.classify("cat.jpg").top(5))
//     std::cout << answer.label << ' ' << answer.probability << '\n';
//
// Rules for all of it
//   - Errors     Every function may throw alexnet::Error, with status and text of the library, or
//                std::bad_alloc of its own. After any failure the objects are as before and the
//                next call works.
//   - Objects    can be moved, not copied. One that was moved from can only be assigned to or
//                destroyed; its functions throw INVALID_ARGUMENT. What is made from another object
//                keeps what it needs of it alive. get() gives the handle for what only alexnet.h
//                has.
//   - Threads    Models, results, evaluations, weight files and data sets never change: any number
//                of threads may read one. A session or trainer serves one thread at a time and
//                answers a second with INVALID_STATE.
//   - Callbacks  run on the thread that does the work. Inside one, only Trainer::cancel,
//                Trainer::progress, Trainer::on_step, version, abi_version, build_info and
//                status_name may be called; others throw INVALID_STATE. What on_step and progress
//                callbacks throw ends the work and comes out of the call that did it.
//   - Lifetime   Destroy no context, session or trainer inside a callback, and none at work in
//                another thread: the library refuses to free it then, and it leaks for good, with
//                all that the work uses. The work of such a trainer is cancelled, and the callback
//                of such a trainer or context is called no more.
//   - Texts      are UTF-8, paths too, on every system.
//   - Numbers    Indices start at 0, rates and probabilities are fractions.
//   - Devices    "cpu", "reference" (plain loops, to check others against), "cuda:0", or several
//                with commas. A device that cannot be used is an error; nothing falls back
//                silently.
#pragma once
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
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
  Error(alexnet_status status, const std::string& text)
      : std::runtime_error(text), status_(status) {}
  alexnet_status status() const noexcept { return status_; }

 private:
  alexnet_status status_;
};

inline void check(alexnet_status status) {
  if (status != ALEXNET_OK) throw Error(status, alexnet_last_error());
}

namespace detail {

// The type of a container's elements, const where they are; none where they do not lie in a row.
template <class Container>
using Element = std::remove_pointer_t<decltype(std::data(std::declval<Container&>()))>;

}  // namespace detail

// Elements that lie in a row and belong to somebody else: a vector's, an array's, a std::span's.
// Made from a temporary it lasts until the end of the statement: right for an argument, not for a
// variable.
template <class T>
class View {
 public:
  View() = default;
  View(T* data, size_t size) : data_(data), size_(size) {}
  template <class Container,
            std::enable_if_t<std::is_convertible_v<detail::Element<Container> (*)[], T (*)[]> &&
                                 !std::is_same_v<std::decay_t<Container>, View>,
                             int> = 0>
  View(Container&& container) : data_(std::data(container)), size_(std::size(container)) {}
  T* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }
  T* begin() const noexcept { return data_; }
  T* end() const noexcept { return data_ + size_; }
  T& operator[](size_t i) const noexcept { return data_[i]; }

 private:
  T* data_ = nullptr;
  size_t size_ = 0;
};

// A text or path as an argument: const char* (null: empty), std::string, std::string_view or
// std::filesystem::path.
class Text {
 public:
  Text(const char* text = "") : text_(text ? text : "") {}
  Text(std::string text) : text_(std::move(text)) {}
  Text(std::string_view text) : text_(text) {}
  template <class Path, class Utf8 = decltype(std::declval<const Path&>().u8string())>
  Text(const Path& path) {
    const Utf8 utf8 = path.u8string();  // of char or, since C++20, of char8_t
    text_.assign(utf8.begin(), utf8.end());
  }
  const std::string& str() const noexcept { return text_; }
  const char* c_str() const noexcept { return text_.c_str(); }
  const char* or_null() const noexcept { return text_.empty() ? nullptr : text_.c_str(); }

 private:
  std::string text_;
};

// Bytes as an argument: a vector, array, string, span or the like of any type of one byte. As with
// View, they are not copied.
class Bytes {
 public:
  Bytes(const void* data, size_t size) : data_(static_cast<const uint8_t*>(data)), size_(size) {}
  template <class Container, class Byte = detail::Element<const Container>,
            std::enable_if_t<sizeof(Byte) == 1 && std::is_trivially_copyable_v<Byte>, int> = 0>
  Bytes(const Container& container) : Bytes(std::data(container), std::size(container)) {}
  const uint8_t* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }

 private:
  const uint8_t* data_;
  size_t size_;
};

namespace detail {

// Where the library refuses to free, inside a callback or at work, the handle leaks.
struct Free {
  void operator()(alexnet_context* handle) const noexcept { (void)alexnet_context_free(handle); }
  void operator()(alexnet_model* handle) const noexcept { alexnet_model_free(handle); }
  void operator()(alexnet_session_options* handle) const noexcept {
    alexnet_session_options_free(handle);
  }
  void operator()(alexnet_session* handle) const noexcept { (void)alexnet_session_free(handle); }
  void operator()(alexnet_image* handle) const noexcept { alexnet_image_free(handle); }
  void operator()(alexnet_result* handle) const noexcept { alexnet_result_free(handle); }
  void operator()(alexnet_index* handle) const noexcept { alexnet_index_free(handle); }
  void operator()(alexnet_neighbours* handle) const noexcept { alexnet_neighbours_free(handle); }
  void operator()(alexnet_evaluation* handle) const noexcept { alexnet_evaluation_free(handle); }
  void operator()(alexnet_memory* handle) const noexcept { alexnet_memory_free(handle); }
  void operator()(alexnet_weights* handle) const noexcept { alexnet_weights_free(handle); }
  void operator()(alexnet_dataset* handle) const noexcept { alexnet_dataset_free(handle); }
  void operator()(alexnet_train_options* handle) const noexcept {
    alexnet_train_options_free(handle);
  }
  void operator()(alexnet_trainer* handle) const noexcept { (void)alexnet_trainer_free(handle); }
};
template <class T>
using Handle = std::unique_ptr<T, Free>;

// Calls make(args..., T**) and owns what comes.
template <class T, class Make, class... Args>
Handle<T> made(const Make& make, const Args&... args) {
  T* handle = nullptr;
  check(make(args..., &handle));
  return Handle<T>(handle);
}

// Calls get(args..., T*) and returns what comes.
template <class T, class Get, class... Args>
T got(const Get& get, const Args&... args) {
  T value{};
  check(get(args..., &value));
  return value;
}

// `count` texts, the i-th by get(args..., i, const char**).
template <class Get, class... Args>
std::vector<std::string> texts(int64_t count, const Get& get, const Args&... args) {
  std::vector<std::string> list;
  for (int64_t i = 0; i < count; ++i) list.emplace_back(got<const char*>(get, args..., i));
  return list;
}

}  // namespace detail

inline std::string version() { return alexnet_version(); }  // "1.2.3"
// of the library that is loaded
inline int32_t abi_version() { return alexnet_abi_version(); }
// a line for bug reports
inline std::string build_info() { return alexnet_build_info(); }
// "ALEXNET_ERROR_NOT_FOUND"
inline std::string status_name(alexnet_status s) { return alexnet_status_name(s); }

struct Device {
  std::string name;         // what other functions take
  std::string description;  // or why it cannot be used
  bool usable;
  std::vector<alexnet_precision> inference, training;  // that it takes, where it can be used
};

// Those that this build knows, usable or not.
inline std::vector<Device> devices() {
  const auto taken = [](const std::string& device, bool training) {
    std::vector<alexnet_precision> list;
    for (alexnet_precision precision = ALEXNET_PRECISION_FP32; precision <= ALEXNET_PRECISION_TF32;
         ++precision)
      if (alexnet_device_probe_precision(device.c_str(), precision, training) == ALEXNET_OK)
        list.push_back(precision);
    return list;
  };
  const auto count = detail::got<int64_t>(alexnet_device_count);
  const std::vector<std::string> names = detail::texts(count, alexnet_device_name);
  const std::vector<std::string> descriptions = detail::texts(count, alexnet_device_description);
  std::vector<Device> list;
  for (size_t i = 0; i < names.size(); ++i)
    list.push_back({names[i], descriptions[i], alexnet_device_probe(names[i].c_str()) == ALEXNET_OK,
                    taken(names[i], false), taken(names[i], true)});
  return list;
}

// Computes a small training step on the device and by plain loops; returns the largest relative
// difference, below 1e-5 in fp32. Throws where the device computes wrong.
inline double test_device(const Text& device) {
  return detail::got<double>(alexnet_device_self_test, device.c_str());
}

// The zoo: what can be trained, and given to Model as the network of a file.
inline std::vector<std::string> networks() {
  return detail::texts(detail::got<int64_t>(alexnet_network_count), alexnet_network_name);
}

// The weight file that comes with the library for a network of the zoo. Throws where none does.
inline std::string network_weights(const Text& network) {
  return detail::got<const char*>(alexnet_network_weights, network.c_str());
}

// One part of a loop of the library's, by its index; what a Context::ParallelFor calls.
class RunPart {
 public:
  RunPart(alexnet_part_function run, void* task) : run_(run), task_(task) {}
  void operator()(int64_t part) const { run_(task_, part); }

 private:
  alexnet_part_function run_;
  void* task_;
};

// Log, threads and memory of what is made in it, and stays usable without it. Most programs need
// none.
class Context {
 public:
  using Log = std::function<void(alexnet_log_level level, std::string_view line)>;
  // run(part) once for each part in 0..parts-1, on any threads; comes back when all have run.
  using ParallelFor = std::function<void(int64_t parts, RunPart run)>;

  Context() : Context(detail::made<alexnet_context>(alexnet_context_create)) {}
  // The one of everything that is made without a context. It always exists.
  static Context& standard() {
    // its log may be called to the very end
    static Context& shared = *new Context(detail::Handle<alexnet_context>());
    return shared;
  }
  // Of sessions and trainers that are made later and do not say: 0 (as at first) is all cores, at
  // most 4096.
  void set_threads(int32_t threads) { check(alexnet_context_set_threads(get(), threads)); }
  // Sessions and trainers that are made later compute on the program's own threads, at most so many
  // at once, as alexnet_context_set_parallel_for has it. Where the function throws, parts that it
  // has not run make the call that needed them throw INVALID_STATE. As those that use it may
  // outlive the context, it is kept for the life of the process. Empty: the library's threads.
  void set_parallel_for(ParallelFor parallel_for, int32_t most_at_once) {
    if (!parallel_for) return check(alexnet_context_set_parallel_for(get(), nullptr, nullptr, 0));
    auto kept = std::make_unique<ParallelFor>(std::move(parallel_for));
    static std::mutex& mutex = *new std::mutex;
    static auto& all = *new std::vector<std::unique_ptr<ParallelFor>>;
    const std::lock_guard<std::mutex> lock(mutex);
    all.push_back(nullptr);
    check(alexnet_context_set_parallel_for(get(), &Context::run_parts, kept.get(), most_at_once));
    all.back() = std::move(kept);
  }
  // Bytes of tensors in host memory: at most so many (0, as at first: no limit), and how many there
  // are. An allocator of the program's own is set by alexnet_context_set_allocator(get(), ...).
  void set_memory_limit(int64_t bytes) { check(alexnet_context_set_memory_limit(get(), bytes)); }
  // What files may cost that are read for it, by ALEXNET_LIMIT_*; 0: the usual. The standard one's
  // hold for data sets, pictures and weight files too.
  void set_limit(alexnet_limit_kind kind, int64_t value) {
    check(alexnet_context_set_limit(get(), kind, value));
  }
  int64_t memory_in_use() const {
    return detail::got<int64_t>(alexnet_context_memory_in_use, get());
  }
  // Gets every line of the library, from any thread that works, several at once; what it throws is
  // dropped. Empty: none. Waits for calls of the old one: hold no lock that it takes. Only one
  // thread may set it at a time.
  void set_log(Log log) {
    check(alexnet_context_set_log_callback(get(), nullptr, nullptr));
    state_->log = std::move(log);
    if (state_->log)
      check(alexnet_context_set_log_callback(get(), &Context::pass_on, state_.get()));
  }
  // Null for the standard one, and only for it.
  alexnet_context* get() const {
    if (!state_) throw Error(ALEXNET_ERROR_INVALID_ARGUMENT, "this context was moved from");
    return state_->handle;
  }

 private:
  struct State {
    alexnet_context* handle = nullptr;
    Log log = nullptr;
    std::atomic<bool> closed{false};
  };
  struct Close {
    void operator()(State* state) const noexcept {
      if (alexnet_context_free(state->handle) == ALEXNET_OK)
        delete state;
      else
        state->closed = true;  // inside a callback, maybe its own: handle and state stay for good
    }
  };
  explicit Context(detail::Handle<alexnet_context> handle) : state_(new State) {
    state_->handle = handle.release();
  }
  static void ALEXNET_CALL pass_on(void* user_data, alexnet_log_level level,
                                   const char* line) noexcept {
    State& state = *static_cast<State*>(user_data);
    if (state.closed) return;
    try {
      state.log(level, line);
    } catch (...) {
    }
  }
  static void ALEXNET_CALL run_parts(void* user_data, int64_t parts, alexnet_part_function run,
                                     void* task) noexcept {
    try {
      (*static_cast<const ParallelFor*>(user_data))(parts, RunPart(run, task));
    } catch (...) {
    }
  }
  std::unique_ptr<State, Close> state_;
};

struct Answer {
  int64_t index;  // of the class, among the model's labels
  std::string label;
  float probability;
};

// Probabilities of one or more images, in the order they were given; `image` is an index among
// them.
class Result {
 public:
  explicit Result(detail::Handle<alexnet_result> handle) : handle_(std::move(handle)) {}
  int64_t count() const { return detail::got<int64_t>(alexnet_result_count, get()); }
  // How many classes there are, in each image.
  int64_t classes() const { return static_cast<int64_t>(values(0).size()); }
  // The best classes of an image, the best first, of equals the lower index; fewer where there are
  // fewer classes.
  std::vector<Answer> top(int64_t count = 5, int64_t image = 0) const {
    const auto classes = static_cast<int64_t>(values(image).size());
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
  // Of all classes, by class index; they sum to 1.
  std::vector<float> probabilities(int64_t image = 0) const {
    const View<const float> all = values(image);
    return std::vector<float>(all.begin(), all.end());
  }
  // Activations of a layer of SessionOptions::outputs: channels x height x width floats, of ten
  // crops the mean.
  std::vector<float> features(const Text& layer, int64_t image = 0) const {
    const float* first = nullptr;
    int64_t count = 0;
    check(alexnet_result_features(get(), image, layer.c_str(), &first, &count));
    return std::vector<float>(first, first + count);
  }
  const alexnet_result* get() const noexcept { return handle_.get(); }

 private:
  View<const float> values(int64_t image) const {
    const float* first = nullptr;
    int64_t classes = 0;
    check(alexnet_result_probabilities(get(), image, &first, &classes));
    return {first, static_cast<size_t>(classes)};
  }
  detail::Handle<alexnet_result> handle_;
};

// A picture, RGB inside, whatever it came from.
class Image {
 public:
  // JPEG, PNG, WebP, BMP, GIF or TIFF; its rotation tag is followed.
  static Image from_file(const Text& path) {
    return Image(detail::made<alexnet_image>(alexnet_image_from_file, path.c_str()));
  }
  // The bytes of such a file.
  static Image from_memory(Bytes bytes) {
    return Image(
        detail::made<alexnet_image>(alexnet_image_from_memory, bytes.data(), bytes.size()));
  }
  static Image from_memory(const void* bytes, size_t size) {
    return from_memory(Bytes(bytes, size));
  }
  // Copies pixels of 3 bytes (RGB, BGR), 1 (GRAY) or 4 (RGBA, not premultiplied, laid over white).
  // `width`, `height`: 1 or more. `stride`: bytes from one row to the next, at least those of a
  // row; 0: no gaps; negative: the picture is stored upside down, and `pixels` points to its top
  // row, which comes last.
  static Image from_pixels(const uint8_t* pixels, int64_t width, int64_t height, int64_t stride = 0,
                           alexnet_pixel_format format = ALEXNET_PIXELS_RGB) {
    Image image(detail::made<alexnet_image>(alexnet_image_create));
    check(alexnet_image_set_pixels(image.handle_.get(), pixels, width, height, stride, format));
    return image;
  }
  // The same of a container, which must hold all rows, also where the stride is negative.
  static Image from_pixels(Bytes pixels, int64_t width, int64_t height, int64_t stride = 0,
                           alexnet_pixel_format format = ALEXNET_PIXELS_RGB) {
    require_pixels(pixels.size(), width, height, stride, format);
    const bool upside_down = stride < 0 && width > 0 && height > 0;
    return from_pixels(pixels.data() - (upside_down ? (height - 1) * stride : 0), width, height,
                       stride, format);
  }
  int64_t width() const {
    return detail::got<int64_t>(
        [&](int64_t* width) { return alexnet_image_size(get(), width, nullptr); });
  }
  int64_t height() const {
    return detail::got<int64_t>(
        [&](int64_t* height) { return alexnet_image_size(get(), nullptr, height); });
  }
  // width x height x 3 bytes, rows without gaps; valid as long as the image.
  View<const uint8_t> pixels() const& {
    const auto data = detail::got<const uint8_t*>(alexnet_image_pixels, get());
    return {data, static_cast<size_t>(width() * height() * 3)};
  }
  View<const uint8_t> pixels() const&& = delete;  // they would be gone with the image
  const alexnet_image* get() const noexcept { return handle_.get(); }

 private:
  explicit Image(detail::Handle<alexnet_image> handle) : handle_(std::move(handle)) {}
  // Sizes, strides and formats that cannot be are left to the library, which refuses them before it
  // reads.
  static void require_pixels(size_t size, int64_t width, int64_t height, int64_t stride,
                             alexnet_pixel_format format) {
    if (width < 1 || height < 1) return;
    const int bytes = format == ALEXNET_PIXELS_GRAY ? 1 : format == ALEXNET_PIXELS_RGBA ? 4 : 3;
    const double row = static_cast<double>(width) * bytes;  // exact up to 2^53, and no overflow
    const double step = stride ? std::abs(static_cast<double>(stride)) : row;
    const double needed = static_cast<double>(height - 1) * step + row;
    if (static_cast<double>(size) >= needed) return;
    const auto text = [](auto number) { return std::to_string(number); };
    throw Error(ALEXNET_ERROR_INVALID_ARGUMENT,
                "pixels: " + text(width) + " x " + text(height) + " of " + text(bytes) +
                    " bytes with stride " + text(stride) + " take " +
                    text(static_cast<int64_t>(needed < 9e18 ? needed : 9e18)) +
                    " bytes, but there are " + text(size));
  }
  detail::Handle<alexnet_image> handle_;
};

struct Layer {
  std::string name, op;  // "conv1", "conv"
  // of its output for one image; 1 x 1 behind a fully connected layer
  int64_t channels, height, width;
  int64_t parameters, multiply_adds;
};

// Network, weights, preprocessing and labels of one file. It never changes; any number of sessions
// share it.
class Model {
 public:
  // A weight file (.safetensors, a checkpoint too, or torchvision's .pth), or the name of a network
  // whose weights come with the library; empty: alexnet-cifar10. `network`: that of a file
  // that does not say it. Sizes are checked here; weights are read, and their checksums
  // checked, when a session is made: the file must stay.
  explicit Model(const Text& file_or_name = "", const Text& network = "")
      : Model(Context::standard(), file_or_name, network) {}
  explicit Model(const Context& context, const Text& file_or_name = "", const Text& network = "")
      : Model(detail::made<alexnet_model>(alexnet_model_open, context.get(), file_or_name.or_null(),
                                          network.or_null())) {}
  explicit Model(detail::Handle<alexnet_model> handle) : handle_(std::move(handle)) {}

  // From the bytes of a weight file, which are copied.
  static Model from_memory(const Context& context, Bytes bytes, const Text& network = "") {
    return Model(detail::made<alexnet_model>(alexnet_model_open_memory, context.get(), bytes.data(),
                                             bytes.size(), network.or_null()));
  }
  static Model from_memory(Bytes bytes, const Text& network = "") {
    return from_memory(Context::standard(), bytes, network);
  }
  static Model from_memory(const void* bytes, size_t size, const Text& network = "") {
    return from_memory(Bytes(bytes, size), network);
  }
  // A network, by its name, spec file or spec, with weights drawn from `seed`. `classes`, and
  // `side` of its square input in pixels: 0 for its own.
  static Model drawn(const Context& context, const Text& network, int64_t classes = 0,
                     int64_t side = 0, uint64_t seed = 1) {
    return Model(detail::made<alexnet_model>(alexnet_model_create, context.get(), network.c_str(),
                                             classes, side, seed));
  }
  static Model drawn(const Text& network, int64_t classes = 0, int64_t side = 0,
                     uint64_t seed = 1) {
    return drawn(Context::standard(), network, classes, side, seed);
  }

  // Of its network.
  std::string name() const { return detail::got<const char*>(alexnet_model_name, get()); }
  int64_t class_count() const { return detail::got<int64_t>(alexnet_model_class_count, get()); }
  // By class index.
  std::vector<std::string> labels() const {
    return detail::texts(class_count(), alexnet_model_label, get());
  }
  int64_t input_height() const {
    return detail::got<int64_t>(
        [&](int64_t* height) { return alexnet_model_input_size(get(), height, nullptr); });
  }
  int64_t input_width() const {
    return detail::got<int64_t>(
        [&](int64_t* width) { return alexnet_model_input_size(get(), nullptr, width); });
  }
  // How a picture becomes what the network reads, as JSON.
  std::string input_json() const {
    return detail::got<const char*>(alexnet_model_input_json, get());
  }
  // What the network reads for a picture: crops x 3 x height x width floats. `crops`: 1, the
  // centre, or 10.
  std::vector<float> preprocess(const Image& image, int32_t crops = 1) const {
    std::vector<float> values(
        static_cast<size_t>(crops > 0 ? 3 * input_height() * input_width() * crops : 1));
    check(alexnet_model_preprocess(get(), image.get(), crops, values.data(),
                                   static_cast<int64_t>(values.size())));
    return values;
  }
  // How far the probabilities of its file's self-test are off here; empty where the file has none.
  // Throws where they differ.
  std::optional<double> self_test(const Text& device = "cpu") const {
    int32_t tested = 0;
    double difference = 0;
    check(alexnet_model_self_test(get(), device.c_str(), &tested, &difference));
    return tested ? std::optional<double>(difference) : std::nullopt;
  }
  // How many numbers were learnt.
  int64_t parameters() const { return detail::got<int64_t>(alexnet_model_parameter_count, get()); }
  // In the order they run.
  std::vector<Layer> layers() const {
    const auto count = detail::got<int64_t>(alexnet_model_layer_count, get());
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
  detail::Handle<alexnet_model> handle_;
};

// Labelled pictures.
class Dataset {
 public:
  // A folder with one sub-folder of pictures for each class (sorted names give the indices), a tar
  // archive of such folders, as `alexnet pack` writes it, CIFAR-10 binary, or MNIST-style idx
  // files. `part`: "train" or "test" where both are there, ignored where there is one set. Pictures
  // are read when they are needed: the files must stay.
  explicit Dataset(const Text& folder, const Text& part = "train")
      : Dataset(detail::made<alexnet_dataset>(alexnet_dataset_open, folder.c_str(), part.c_str())) {
  }
  // In memory, empty at first, with these classes (1 or more, all different).
  static Dataset in_memory(const std::vector<std::string>& classes) {
    std::vector<const char*> names;
    for (const std::string& name : classes) names.push_back(name.c_str());
    return Dataset(detail::made<alexnet_dataset>(alexnet_dataset_create, names.data(),
                                                 static_cast<int64_t>(names.size())));
  }
  // Copies a picture to a set in memory, before something is made with it; the class by index or by
  // name.
  void add(const Image& image, int64_t class_index) {
    check(alexnet_dataset_add(handle_.get(), image.get(), class_index));
  }
  void add(const Image& image, const Text& class_name) { add(image, index_of(class_name)); }
  // How many pictures, readable or not.
  int64_t size() const { return detail::got<int64_t>(alexnet_dataset_size, get()); }
  int64_t class_count() const { return detail::got<int64_t>(alexnet_dataset_class_count, get()); }
  std::vector<std::string> classes() const {
    return detail::texts(class_count(), alexnet_dataset_class_name, get());
  }
  const alexnet_dataset* get() const noexcept { return handle_.get(); }

 private:
  explicit Dataset(detail::Handle<alexnet_dataset> handle) : handle_(std::move(handle)) {}
  int64_t index_of(const Text& class_name) const {
    const std::vector<std::string> names = classes();
    const auto found = std::find(names.begin(), names.end(), class_name.str());
    if (found == names.end())
      throw Error(ALEXNET_ERROR_INVALID_ARGUMENT,
                  "class_name: the data set has no class '" + class_name.str() + "'");
    return found - names.begin();
  }
  detail::Handle<alexnet_dataset> handle_;
};

// Accuracy over labelled pictures.
struct Evaluation {
  int64_t images = 0, broken = 0;       // those that could not be read do not count as images
  double top1 = 0, top5 = 0, loss = 0;  // fractions; mean of -log(probability of the true class)

  // Images of class `truth` that were taken for class `answer`, both by index among the model's
  // labels.
  int64_t confusion(int64_t truth, int64_t answer) const {
    return detail::got<int64_t>(alexnet_evaluation_confusion, handle.get(), truth, answer);
  }
  // Of the model: the classes that confusion() tells apart.
  std::vector<std::string> labels() const {
    const auto count = detail::got<int64_t>(alexnet_evaluation_class_count, handle.get());
    return detail::texts(count, alexnet_evaluation_label, handle.get());
  }
  std::shared_ptr<const alexnet_evaluation> handle;
};

// How far long work has come. False stops it: the work throws Error with ALEXNET_ERROR_CANCELLED.
using Progress = std::function<bool(int64_t done, int64_t total)>;

// Bytes that a session or trainer takes on its devices.
struct Memory {
  int64_t total = 0, weights = 0, gradients = 0, optimizer = 0, activations = 0;
  int64_t workspace = 0;  // of the activations, the largest scratch area
  // each of them, in the order they were named; these have no `devices`
  std::vector<Memory> devices = {};
};

namespace detail {

// Calls make(callback, user_data, alexnet_evaluation**) and reads what comes. What `progress`
// throws comes out here.
template <class Call>
void watched(const Progress& progress, Call&& call) {
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
  const alexnet_status status = call(progress ? pass_on : nullptr, &state);
  if (state.thrown) std::rethrow_exception(state.thrown);
  check(status);
}

template <class Make>
Evaluation evaluation(const Progress& progress, Make&& make) {
  alexnet_evaluation* handle = nullptr;
  watched(progress,
          [&](alexnet_progress_callback call, void* to) { return make(call, to, &handle); });
  Evaluation e;
  e.handle = Handle<alexnet_evaluation>(handle);
  check(alexnet_evaluation_counts(e.handle.get(), &e.images, &e.broken));
  check(alexnet_evaluation_rates(e.handle.get(), &e.top1, &e.top5, &e.loss));
  return e;
}

// Of a device by index, or -1: of all together.
inline Memory memory_of(const alexnet_memory* handle, int64_t device) {
  const auto bytes = [&](alexnet_memory_kind kind) {
    return got<int64_t>(alexnet_memory_bytes, handle, device, kind);
  };
  return {bytes(ALEXNET_MEMORY_TOTAL),       bytes(ALEXNET_MEMORY_WEIGHTS),
          bytes(ALEXNET_MEMORY_GRADIENTS),   bytes(ALEXNET_MEMORY_OPTIMIZER),
          bytes(ALEXNET_MEMORY_ACTIVATIONS), bytes(ALEXNET_MEMORY_WORKSPACE)};
}

inline Memory memory(const Handle<alexnet_memory>& handle) {
  Memory all = memory_of(handle.get(), -1);
  const auto count = got<int64_t>(alexnet_memory_device_count, handle.get());
  for (int64_t i = 0; i < count; ++i) all.devices.push_back(memory_of(handle.get(), i));
  return all;
}

}  // namespace detail

struct SessionOptions {
  std::string device = "cpu";
  int32_t threads = 0;  // 0..4096; 0: the context's, which are all cores where it does not say
  // Images computed in one go, 1..65536: more are faster each and take more memory. Any number can
  // be given to any session. Answers of different batches agree within rounding, not bit for bit.
  int64_t batch = 1;
  alexnet_precision precision =
      ALEXNET_PRECISION_FP32;  // computed in; "cpu" has FP32, FP16 and BF16; "cuda:0" TF32 too
  // layers for Session::features: "fc7", names of Model::layers
  std::vector<std::string> outputs = {};
};

// A model bound to devices, batch and precision. One thread at a time.
class Session {
 public:
  // Reads the weights and checks their checksums: BAD_FILE names a damaged tensor.
  explicit Session(const Model& model, const SessionOptions& options = {})
      : image_size_(static_cast<size_t>(3 * model.input_height() * model.input_width())),
        handle_(detail::made<alexnet_session>(alexnet_session_create, model.get(),
                                              handle_of(options).get())) {}

  // What a session would take.
  static Memory plan_memory(const Model& model, const SessionOptions& options = {}) {
    return detail::memory(detail::made<alexnet_memory>(alexnet_session_plan_memory, model.get(),
                                                       handle_of(options).get()));
  }
  Memory memory() const {
    return detail::memory(detail::made<alexnet_memory>(alexnet_session_memory, get()));
  }

  // The picture in a file: JPEG, PNG, WebP, BMP, GIF or TIFF, by its centre crop.
  Result classify(const Text& path) {
    return Result(detail::made<alexnet_result>(alexnet_session_classify_file, get(), path.c_str()));
  }
  // The bytes of such a file.
  Result classify_memory(Bytes bytes) {
    return Result(detail::made<alexnet_result>(alexnet_session_classify_memory, get(), bytes.data(),
                                               bytes.size()));
  }
  Result classify_memory(const void* bytes, size_t size) {
    return classify_memory(Bytes(bytes, size));
  }
  // One or more. `crops`: 1, the centre, or 10, the mean over corners, centre and their mirror
  // images.
  Result classify(View<const Image> images, int32_t crops = 1) {
    const std::vector<const alexnet_image*> list = pointers(images);
    return Result(detail::made<alexnet_result>(alexnet_session_classify_images, get(), list.data(),
                                               static_cast<int64_t>(list.size()), crops));
  }
  Result classify(const Image& image, int32_t crops = 1) {
    return classify(View<const Image>(&image, 1), crops);
  }
  // Preprocessed images, one or more, 3 x height x width floats each, as Model::preprocess makes
  // them.
  Result run(View<const float> values) {
    if (values.size() % image_size_ != 0)
      throw Error(ALEXNET_ERROR_INVALID_ARGUMENT, "values: " + std::to_string(values.size()) +
                                                      " floats are no whole count of images of " +
                                                      std::to_string(image_size_));
    const auto count = static_cast<int64_t>(values.size() / image_size_);
    return Result(
        detail::made<alexnet_result>(alexnet_session_run_tensor, get(), values.data(), count));
  }
  // Activations of a layer of options.outputs for centre crops: images x channels x height x width
  // floats.
  std::vector<float> features(View<const Image> images, const Text& layer) {
    int64_t channels = 0, height = 0, width = 0;
    check(alexnet_session_output_shape(get(), layer.c_str(), &channels, &height, &width));
    const std::vector<const alexnet_image*> list = pointers(images);
    std::vector<float> values(list.size() * static_cast<size_t>(channels * height * width));
    check(alexnet_session_features(get(), list.data(), static_cast<int64_t>(list.size()),
                                   layer.c_str(), values.data(),
                                   static_cast<int64_t>(values.size())));
    return values;
  }
  std::vector<float> features(const Image& image, const Text& layer) {
    return features(View<const Image>(&image, 1), layer);
  }
  // Accuracy over labelled pictures, whose classes are matched to the model's labels by name;
  // INVALID_ARGUMENT names a class without a match. `progress` is called between batches; what it
  // throws comes out here, and where it says false Error with ALEXNET_ERROR_CANCELLED does.
  Evaluation evaluate(const Dataset& data, int32_t crops = 1, const Progress& progress = nullptr) {
    return evaluate({this}, data, crops, progress);
  }
  // Of the mean answer of several sessions, all different, whose models have the same labels.
  static Evaluation evaluate(const std::vector<Session*>& sessions, const Dataset& data,
                             int32_t crops = 1, const Progress& progress = nullptr) {
    std::vector<alexnet_session*> handles;  // the library refuses null ones
    for (const Session* session : sessions) handles.push_back(session ? session->get() : nullptr);
    return detail::evaluation(
        progress, [&](alexnet_progress_callback call, void* to, alexnet_evaluation** made) {
          return alexnet_session_evaluate(handles.data(), static_cast<int64_t>(handles.size()),
                                          data.get(), crops, call, to, made);
        });
  }
  static Evaluation evaluate(View<Session> sessions, const Dataset& data, int32_t crops = 1,
                             const Progress& progress = nullptr) {
    std::vector<Session*> list;
    for (Session& session : sessions) list.push_back(&session);
    return evaluate(list, data, crops, progress);
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
  static std::vector<const alexnet_image*> pointers(View<const Image> images) {
    std::vector<const alexnet_image*> list;
    for (const Image& image : images) list.push_back(image.get());
    return list;
  }
  size_t image_size_;
  detail::Handle<alexnet_session> handle_;
};

// A picture that an index has found.
struct Neighbour {
  int64_t picture;   // its number in the index
  std::string path;  // as it was when the index was made
  double distance;   // Euclidean, of the features
};

// Features of many pictures, in a file, and the nearest of them to another picture.
class Index {
 public:
  struct Written {
    int64_t pictures, broken;  // in the index; left out, since they cannot be read
  };
  // Writes an index of a picture or of all pictures below a folder. `layer`: of
  // SessionOptions::outputs. `progress`: as for Session::evaluate.
  static Written create(Session& session, const Text& layer, const Text& pictures, const Text& path,
                        const Progress& progress = nullptr) {
    Written written{};
    detail::watched(progress, [&](alexnet_progress_callback call, void* to) {
      return alexnet_index_create(session.get(), layer.c_str(), pictures.c_str(), path.c_str(),
                                  call, to, &written.pictures, &written.broken);
    });
    return written;
  }

  explicit Index(const Text& path)
      : handle_(detail::made<alexnet_index>(alexnet_index_open, nullptr, path.c_str())) {}
  int64_t size() const { return sizes().first; }      // pictures
  int64_t numbers() const { return sizes().second; }  // of each
  // For SessionOptions::outputs.
  std::string layer() const { return detail::got<const char*>(alexnet_index_layer, get()); }
  // The nearest first, of equals the lower number. `session`: of the model that made the index.
  std::vector<Neighbour> search(Session& session, const Image& image, int64_t most = 6) const {
    return found(detail::made<alexnet_neighbours>(alexnet_index_search, get(), session.get(),
                                                  image.get(), most));
  }
  // By features that are there already.
  std::vector<Neighbour> search(View<const float> features, int64_t most = 6) const {
    return found(detail::made<alexnet_neighbours>(alexnet_index_search_features, get(),
                                                  features.data(),
                                                  static_cast<int64_t>(features.size()), most));
  }
  const alexnet_index* get() const noexcept { return handle_.get(); }

 private:
  std::pair<int64_t, int64_t> sizes() const {
    std::pair<int64_t, int64_t> both;
    check(alexnet_index_size(get(), &both.first, &both.second));
    return both;
  }
  static std::vector<Neighbour> found(const detail::Handle<alexnet_neighbours>& handle) {
    std::vector<Neighbour> list;
    const auto count = detail::got<int64_t>(alexnet_neighbours_count, handle.get());
    for (int64_t rank = 0; rank < count; ++rank) {
      Neighbour neighbour{};
      const char* path = nullptr;
      check(alexnet_neighbours_get(handle.get(), rank, &neighbour.picture, &path,
                                   &neighbour.distance));
      neighbour.path = path;
      list.push_back(std::move(neighbour));
    }
    return list;
  }
  detail::Handle<alexnet_index> handle_;
};

struct TensorInfo {
  std::string name, type;  // type as stored: "F32", "F16", "BF16", "I8"
  std::vector<int64_t> shape;
};

// An opened weight file, whatever its network.
class Weights {
 public:
  // Structure and sizes are checked here, checksums by read(). The file must stay.
  explicit Weights(const Text& path)
      : handle_(detail::made<alexnet_weights>(alexnet_weights_open, path.c_str())) {}
  // In file order.
  std::vector<TensorInfo> tensors() const {
    const auto count = detail::got<int64_t>(alexnet_weights_tensor_count, get());
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
  // All elements of a tensor as floats; checks its checksum, where it has one.
  std::vector<float> read(const TensorInfo& tensor) const {
    size_t count = 1;
    for (const int64_t n : tensor.shape) count *= static_cast<size_t>(n);
    std::vector<float> values(count);
    float nothing = 0;  // an empty vector has no address to give
    check(alexnet_weights_read(get(), tensor.name.c_str(), count ? values.data() : &nothing,
                               static_cast<int64_t>(count)));
    return values;
  }
  std::vector<float> read(const Text& name) const {
    for (const TensorInfo& tensor : tensors())
      if (tensor.name == name.str()) return read(tensor);
    return read({name.str(), "", {0}});  // the library says that there is none
  }
  // "alexnet.model", "alexnet.input", "alexnet.labels", ...; empty where there is no such key.
  std::optional<std::string> metadata(const Text& key) const {
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

// Checks structure, checksums, values, fit to the network and the self-test of a weight file.
// Throws with every fault, one a line. Returns how far the probabilities of the self-test were off;
// empty where the file has none.
inline std::optional<double> verify(const Text& path, const Text& device = "cpu") {
  int32_t tested = 0;
  double difference = 0;
  check(alexnet_weights_verify(path.c_str(), device.c_str(), &tested, &difference));
  return tested ? std::optional<double>(difference) : std::nullopt;
}

// Writes a weight file of any kind that Model takes as safetensors, whole or not at all; `from` and
// `to` may be the same. `network`: as of Model. `precision`: stored as AS_STORED, FP32, FP16 or
// BF16. `plain`: tensors alone, without preprocessing, labels, checksums and self-test.
inline void convert(const Text& from, const Text& to, const Text& network = "",
                    alexnet_precision precision = ALEXNET_PRECISION_AS_STORED, bool plain = false) {
  check(alexnet_weights_convert(from.c_str(), to.c_str(), network.or_null(), precision,
                                plain ? 1 : 0));
}

// Random changes of the pictures that are learnt.
struct Augmentation {
  bool random_crop = true;  // else the centre
  bool flip = true;         // mirrored half of the time
  int64_t pad = 0;          // a border put around before, 0..1024 pixels
};

// What is empty comes from the network's recipe. Values are checked when a trainer is made.
struct TrainOptions {
  std::optional<int64_t> epochs = {};  // passes over the data: 1..1000000000
  // images of a step; empty: the recipe's, or all data where there are fewer
  std::optional<int64_t> batch = {};
  std::optional<double> learning_rate = {};  // at the start: above 0, up to 1000
  std::optional<double> momentum = {};       // 0 or more, below 1
  std::optional<double> weight_decay = {};   // 0..1000
  // The learning rate over time, in epochs:
  //   "constant"
  //   "cosine"                    to zero over the whole training
  //   "step:EVERY:FACTOR"         multiplied by FACTOR after each EVERY epochs: "step:30:0.1"
  //   "steps:E1,E2,...:FACTOR"    multiplied by FACTOR at these epochs: "steps:25,51,79:0.1"
  //   "plateau:FACTOR:PATIENCE"   multiplied by FACTOR after PATIENCE epochs without progress of
  //                               the validation top-1, or without one of the training loss
  std::optional<std::string> schedule = {};
  // empty: crop and flip, with a border of 4 for inputs up to 64 pixels
  std::optional<Augmentation> augmentation = {};
  // Deviation of colour noise along the principal components of the data's pixels: 0..10, 0.1 in
  // the paper, 0: none.
  std::optional<double> color_noise = {};
  // What is subtracted from pictures: "color" or "image", measured over the data, or "fixed" for
  // the network.
  std::optional<std::string> mean = {};
  // factors of layers: {"conv*", 0} freezes what begins so
  std::map<std::string, double> layer_rates = {};
  std::optional<int64_t> input_size = {};  // side of the network's square input, in pixels
  uint64_t seed = 1;                       // of every random draw
  std::string device = "cpu";
  int32_t threads = 0;  // 0..4096; 0: the context's, which are all cores where it does not say
  // Of activations and products; weights, gradients and sums stay FP32. Others than FP32 need GPUs.
  alexnet_precision precision = ALEXNET_PRECISION_FP32;
  // What several devices of a one-column network share: "data", each batch's pictures; or "hybrid",
  // pictures in the convolutions and units in the fully connected layers.
  std::string parallelism = "data";
  // that read pictures meanwhile: 0..256; 0 reads them between the steps; same answer
  int32_t data_threads = 1;
  // the share of each label that is spread over all classes: 0 or more, below 1
  double label_smoothing = 0;
  // How much the pictures of a class count in the loss: "none", all alike; or "balanced", by
  // N / (K n), of N pictures in K classes n in this one.
  std::string class_weights = "none";
  bool dropout = true;
  // a weight file, or a network whose weights come with the library; of its last layer the classes
  // of the same names stay. Empty: drawn
  Text initial_weights = {};
  bool new_head = false;  // its last layer is drawn anew
  // Which layers do not learn: "none"; or "all-but-last" of initial_weights: what they make of each
  // picture is computed once, and pictures are not varied.
  std::string freeze = "none";
  // Pictures to measure after each epoch of run(): Step tells of it, keep_best() and a plateau go
  // by it. Must live until the trainer is made, which keeps the pictures. Null: none.
  const Dataset* validation = nullptr;
  // A share of each class's pictures for that instead, which is not trained on: above 0, up to 0.5;
  // 0: none. A resumed run goes on with its own.
  double validation_share = 0;
};

using Step = alexnet_step;  // a training step that has been made, for on_step

struct StepResult {
  double loss = 0, accuracy = 0;  // means over the batch, before its update
};

struct TrainProgress {
  int64_t steps_done = 0, total_steps = 0, steps_per_epoch = 0;
};

// A network that learns. One thread at a time, cancel(), progress() and on_step() apart. Same data,
// options, seed, machine and thread count give the same weights bit for bit, whether the training
// was interrupted or not; on GPUs within rounding, where another process chooses other algorithms.
class Trainer {
 public:
  using OnStep = std::function<void(const Step&)>;

  // A network, by its name, spec file or spec, for as many classes as the data have.
  Trainer(const Text& network, const Dataset& data, const TrainOptions& options = {})
      : Trainer(Context::standard(), network, data, options) {}
  Trainer(const Context& context, const Text& network, const Dataset& data,
          const TrainOptions& options = {})
      : Trainer(detail::made<alexnet_trainer>(alexnet_trainer_create, context.get(),
                                              network.c_str(), data.get(),
                                              handle_of(options).get())) {}

  // Goes on where a checkpoint stopped, bit for bit on the same machine with as many threads (on
  // GPUs within rounding: another process may choose other algorithms). The data must be the same.
  // Network, recipe, precision and position come from the file; of `options` only epochs (a new
  // total), device, parallelism, threads, data_threads and validation count; a share that was split
  // off stays.
  static Trainer resume(const Text& checkpoint, const Dataset& data,
                        const TrainOptions& options = {}) {
    return resume(Context::standard(), checkpoint, data, options);
  }
  static Trainer resume(const Context& context, const Text& checkpoint, const Dataset& data,
                        const TrainOptions& options = {}) {
    return Trainer(detail::made<alexnet_trainer>(alexnet_trainer_resume, context.get(),
                                                 checkpoint.c_str(), data.get(),
                                                 handle_of(options).get()));
  }

  // What a trainer would take, for data of so many classes.
  static Memory plan_memory(const Text& network, int64_t classes,
                            const TrainOptions& options = {}) {
    return plan_memory(Context::standard(), network, classes, options);
  }
  static Memory plan_memory(const Context& context, const Text& network, int64_t classes,
                            const TrainOptions& options = {}) {
    return detail::memory(detail::made<alexnet_memory>(alexnet_trainer_plan_memory, context.get(),
                                                       network.c_str(), classes,
                                                       handle_of(options).get()));
  }
  Memory memory() const {
    return detail::memory(detail::made<alexnet_memory>(alexnet_trainer_memory, get()));
  }

  // Called after each step, on the thread that trains; it may call cancel(), progress() and
  // on_step(). What it throws stops the run and comes out of run() or step(). Empty: none. From any
  // thread: waits for a call in flight (hold no lock that it takes), so the old one is in no call
  // any more; inside it, the new one is called from the next step on. One that is set by
  // alexnet_trainer_set_step_callback(get(), ...) takes its place for good.
  void on_step(OnStep call) {
    auto kept = call ? std::make_shared<OnStep>(std::move(call)) : nullptr;
    const std::lock_guard lock(state().mutex);
    state().call.swap(kept);
  }
  // run() keeps a checkpoint there: after each `every` steps (0: each epoch), when cancelled, and
  // at its end. Empty, as at first: none.
  void set_checkpoint(const Text& path, int64_t every = 0) {
    check(alexnet_trainer_set_checkpoint(get(), path.or_null(), every));
  }
  // Minutes between these checkpoints, 0.001..1000000, in place of steps. 0, as at first: by steps.
  void set_checkpoint_minutes(double minutes) {
    check(alexnet_trainer_set_checkpoint_minutes(get(), minutes));
  }
  // run() keeps the weights of the epoch with the highest validation top-1 there, over resume()
  // too. Empty, as at first: none. INVALID_STATE without TrainOptions::validation.
  void keep_best(const Text& path) { check(alexnet_trainer_set_best(get(), path.or_null())); }
  // Writes nothing, and validates where a plateau asks for it only. INVALID_STATE where all epochs
  // are run, or where the loss is no number any more.
  StepResult step() {
    StepResult made;
    check(work(false, [&](alexnet_trainer* to) {
      return alexnet_trainer_step(to, &made.loss, &made.accuracy);
    }));
    return made;
  }
  // To the end of all epochs, or `steps` more (0: no limit), with validation after each epoch where
  // there are data for it. False: cancelled; another run goes on.
  bool run(int64_t steps = 0) {
    const alexnet_status status =
        work(true, [&](alexnet_trainer* to) { return alexnet_trainer_run(to, steps); });
    if (status == ALEXNET_ERROR_CANCELLED) return false;
    check(status);
    return true;
  }
  // Ends the run() or evaluate() in progress after the step or batch at hand, from any thread and
  // inside on_step, but not from a signal handler. False: there was nothing to end.
  bool cancel() const {
    const alexnet_status status = alexnet_trainer_cancel(get());
    if (status == ALEXNET_ERROR_INVALID_STATE) return false;
    check(status);
    return true;
  }
  TrainProgress progress() const {
    TrainProgress p;
    check(alexnet_trainer_progress(get(), &p.steps_done, &p.total_steps, &p.steps_per_epoch));
    return p;
  }
  // All that resume() needs. This and the next write the file whole or not at all.
  void save_checkpoint(const Text& path) {
    check(alexnet_trainer_save_checkpoint(get(), path.c_str()));
  }
  // A weight file for Model: stored as FP32, FP16 or BF16, with preprocessing, labels and a
  // self-test.
  void save_weights(const Text& path, alexnet_precision precision = ALEXNET_PRECISION_FP32) {
    check(alexnet_trainer_save_weights(get(), path.c_str(), precision));
  }
  // Accuracy of the weights as they are now, as Session::evaluate. Error with
  // ALEXNET_ERROR_CANCELLED where `progress` says false or cancel() was called.
  Evaluation evaluate(const Dataset& data, int32_t crops = 1, const Progress& progress = nullptr) {
    return detail::evaluation(
        progress, [&](alexnet_progress_callback call, void* to, alexnet_evaluation** made) {
          return alexnet_trainer_evaluate(get(), data.get(), crops, call, to, made);
        });
  }
  // A copy of the network as it is now, which later steps do not change.
  Model model() { return Model(detail::made<alexnet_model>(alexnet_trainer_model, get())); }
  alexnet_trainer* get() const noexcept { return state_ ? state_->trainer : nullptr; }

 private:
  // What the callback and the thread at work use; it stays where it is when the trainer is moved.
  struct State {
    alexnet_trainer* trainer = nullptr;
    std::recursive_mutex mutex;  // held during a call of `call`, which may set another
    std::shared_ptr<OnStep> call;
    std::atomic<bool> at_work{false};  // in run() or step(), whose thread alone uses the next two
    bool running = false;              // in run(): else there is nothing to cancel
    std::exception_ptr thrown;
  };
  struct Close {
    void operator()(State* state) const noexcept {
      if (!state->at_work && alexnet_trainer_free(state->trainer) == ALEXNET_OK) {
        delete state;
        return;
      }
      // Inside a callback, or at work in another thread: handle and state stay for good, without
      // the callback.
      (void)alexnet_trainer_cancel(state->trainer);
      const std::lock_guard lock(state->mutex);
      state->call = nullptr;
    }
  };

  explicit Trainer(detail::Handle<alexnet_trainer> handle) : state_(new State) {
    state_->trainer = handle.release();
    check(alexnet_trainer_set_step_callback(get(), &Trainer::pass_on, state_.get()));
  }
  static detail::Handle<alexnet_train_options> handle_of(const TrainOptions& options) {
    auto handle = detail::made<alexnet_train_options>(alexnet_train_options_create);
    alexnet_train_options* to = handle.get();
    if (options.epochs) check(alexnet_train_options_set_epochs(to, *options.epochs));
    if (options.batch) check(alexnet_train_options_set_batch(to, *options.batch));
    if (options.learning_rate)
      check(alexnet_train_options_set_learning_rate(to, *options.learning_rate));
    if (options.momentum) check(alexnet_train_options_set_momentum(to, *options.momentum));
    if (options.weight_decay)
      check(alexnet_train_options_set_weight_decay(to, *options.weight_decay));
    if (options.schedule) check(alexnet_train_options_set_schedule(to, options.schedule->c_str()));
    if (const auto& a = options.augmentation)
      check(alexnet_train_options_set_augmentation(to, a->random_crop ? 1 : 0, a->flip ? 1 : 0,
                                                   a->pad));
    if (options.color_noise) check(alexnet_train_options_set_color_noise(to, *options.color_noise));
    if (options.mean) check(alexnet_train_options_set_mean(to, options.mean->c_str()));
    for (const auto& [layer, factor] : options.layer_rates)
      check(alexnet_train_options_set_layer_rate(to, layer.c_str(), factor));
    if (options.input_size) check(alexnet_train_options_set_input_size(to, *options.input_size));
    check(alexnet_train_options_set_seed(to, options.seed));
    check(alexnet_train_options_set_device(to, options.device.c_str()));
    check(alexnet_train_options_set_threads(to, options.threads));
    check(alexnet_train_options_set_precision(to, options.precision));
    check(alexnet_train_options_set_parallelism(to, options.parallelism.c_str()));
    check(alexnet_train_options_set_data_threads(to, options.data_threads));
    check(alexnet_train_options_set_label_smoothing(to, options.label_smoothing));
    check(alexnet_train_options_set_class_weights(to, options.class_weights.c_str()));
    check(alexnet_train_options_set_dropout(to, options.dropout ? 1 : 0));
    if (const char* path = options.initial_weights.or_null())
      check(alexnet_train_options_set_initial_weights(to, path));
    check(alexnet_train_options_set_new_head(to, options.new_head ? 1 : 0));
    check(alexnet_train_options_set_freeze(to, options.freeze.c_str()));
    if (options.validation)
      check(alexnet_train_options_set_validation(to, options.validation->get()));
    check(alexnet_train_options_set_validation_share(to, options.validation_share));
    return handle;
  }
  State& state() const {
    if (!state_) throw Error(ALEXNET_ERROR_INVALID_ARGUMENT, "this trainer was moved from");
    return *state_;
  }
  static void ALEXNET_CALL pass_on(void* user_data, const alexnet_step* step) noexcept {
    State& state = *static_cast<State*>(user_data);
    const std::lock_guard lock(state.mutex);
    // stays during the call, which may set another
    const std::shared_ptr<OnStep> call = state.call;
    try {
      if (call) (*call)(*step);
    } catch (...) {
      state.thrown = std::current_exception();
      if (state.running) (void)alexnet_trainer_cancel(state.trainer);
    }
  }
  // Calls act(alexnet_trainer*); throws what on_step threw in it. on_step may destroy this trainer:
  // only its state, which stays then, is used after.
  template <class Act>
  alexnet_status work(bool running, Act&& act) {
    State& at = state();
    if (at.at_work.exchange(true))
      throw Error(ALEXNET_ERROR_INVALID_STATE, "the trainer is at work");
    at.running = running;
    at.thrown = nullptr;
    const alexnet_status status = act(at.trainer);
    at.running = false;
    const std::exception_ptr thrown = std::exchange(at.thrown, nullptr);
    at.at_work = false;  // from here another thread may free it
    if (thrown) std::rethrow_exception(thrown);
    return status;
  }
  std::unique_ptr<State, Close> state_;
};

}  // namespace alexnet
