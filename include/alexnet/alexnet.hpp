// libalexnet for C++17: handles that free themselves, and exceptions with the library's text, over alexnet.h. Header only:
// no C++ symbol is exported, so any compiler and standard library will do.
//
//   alexnet::Model model;                                // the weights that come with the library
//   alexnet::Session session(model);
//   for (const auto& answer : session.classify("cat.jpg").top(5))
//     std::cout << answer.label << ' ' << answer.probability << '\n';
//
// Every function may throw alexnet::Error, or std::bad_alloc. Threads and lifetimes are as alexnet.h says.
#pragma once
#include <cstdint>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
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
  if (status == ALEXNET_OK) return;
  if (status == ALEXNET_ERROR_OUT_OF_MEMORY) throw std::bad_alloc();
  throw Error(status, alexnet_last_error());
}

struct Answer {
  int64_t index;  // of the class
  std::string label;
  float probability;
};

// Probabilities of one or more images.
class Result {
 public:
  explicit Result(alexnet_result* result) : handle_(result) {}
  int64_t count() const {
    int64_t images = 0;
    check(alexnet_result_count(handle_.get(), &images));
    return images;
  }
  // The best classes of an image, the best first; fewer where there are fewer classes.
  std::vector<Answer> top(int64_t count, int64_t image = 0) const {
    const int64_t classes = static_cast<int64_t>(probabilities(image).size());
    std::vector<Answer> answers;
    for (int64_t rank = 0; rank < count && rank < classes; ++rank) {
      Answer answer{};
      const char* label = nullptr;
      check(alexnet_result_top(handle_.get(), image, rank, &answer.index, &label, &answer.probability));
      answer.label = label;
      answers.push_back(std::move(answer));
    }
    return answers;
  }
  // By class index.
  std::vector<float> probabilities(int64_t image = 0) const {
    const float* values = nullptr;
    int64_t classes = 0;
    check(alexnet_result_probabilities(handle_.get(), image, &values, &classes));
    return std::vector<float>(values, values + classes);
  }

 private:
  struct Free {
    void operator()(alexnet_result* result) const { alexnet_result_free(result); }
  };
  std::unique_ptr<alexnet_result, Free> handle_;
};

// A picture.
class Image {
 public:
  static Image from_file(const std::string& path) {
    alexnet_image* image = nullptr;
    check(alexnet_image_from_file(path.c_str(), &image));
    return Image(image);
  }
  static Image from_memory(const void* bytes, size_t size) {
    alexnet_image* image = nullptr;
    check(alexnet_image_from_memory(bytes, size, &image));
    return Image(image);
  }
  static Image from_pixels(const uint8_t* pixels, int64_t width, int64_t height, int64_t stride = 0,
                           alexnet_pixel_format format = ALEXNET_PIXELS_RGB) {
    alexnet_image* empty = nullptr;
    check(alexnet_image_create(&empty));
    Image image(empty);
    check(alexnet_image_set_pixels(empty, pixels, width, height, stride, format));
    return image;
  }
  const alexnet_image* get() const noexcept { return handle_.get(); }

 private:
  explicit Image(alexnet_image* image) : handle_(image) {}
  struct Free {
    void operator()(alexnet_image* image) const { alexnet_image_free(image); }
  };
  std::unique_ptr<alexnet_image, Free> handle_;
};

// Network, weights, preprocessing and labels of one file.
class Model {
 public:
  // A weight file, or the name of a network whose weights come with the library; empty: alexnet-cifar10.
  explicit Model(const std::string& file_or_name = "", const std::string& network = "") {
    alexnet_model* model = nullptr;
    check(alexnet_model_open(nullptr, file_or_name.empty() ? nullptr : file_or_name.c_str(),
                             network.empty() ? nullptr : network.c_str(), &model));
    handle_.reset(model);
  }
  std::string name() const {
    const char* name = nullptr;
    check(alexnet_model_name(get(), &name));
    return name;
  }
  std::vector<std::string> labels() const {
    int64_t count = 0;
    check(alexnet_model_class_count(get(), &count));
    std::vector<std::string> labels;
    for (int64_t i = 0; i < count; ++i) {
      const char* label = nullptr;
      check(alexnet_model_label(get(), i, &label));
      labels.emplace_back(label);
    }
    return labels;
  }
  const alexnet_model* get() const noexcept { return handle_.get(); }

 private:
  struct Free {
    void operator()(alexnet_model* model) const { alexnet_model_free(model); }
  };
  std::unique_ptr<alexnet_model, Free> handle_;
};

struct SessionOptions {
  std::string device = "cpu";
  int32_t threads = 0;  // 0: all cores
  int64_t batch = 1;
  alexnet_precision precision = ALEXNET_PRECISION_FP32;
  std::vector<std::string> outputs;  // layers for Session::features
};

// A model bound to devices, batch and precision. One thread at a time; it keeps its model alive.
class Session {
 public:
  explicit Session(const Model& model, const SessionOptions& options = {}) {
    alexnet_session_options* made = nullptr;
    check(alexnet_session_options_create(&made));
    const std::unique_ptr<alexnet_session_options, FreeOptions> guard(made);
    check(alexnet_session_options_set_device(made, options.device.c_str()));
    check(alexnet_session_options_set_threads(made, options.threads));
    check(alexnet_session_options_set_batch(made, options.batch));
    check(alexnet_session_options_set_precision(made, options.precision));
    for (const std::string& layer : options.outputs) check(alexnet_session_options_add_output(made, layer.c_str()));
    alexnet_session* session = nullptr;
    check(alexnet_session_create(model.get(), made, &session));
    handle_.reset(session);
  }
  Result classify(const std::string& path) {
    alexnet_result* result = nullptr;
    check(alexnet_session_classify_file(handle_.get(), path.c_str(), &result));
    return Result(result);
  }
  // `crops`: 1, the centre, or 10.
  Result classify(const std::vector<Image>& images, int32_t crops = 1) {
    const std::vector<const alexnet_image*> list = pointers(images);
    alexnet_result* result = nullptr;
    check(alexnet_session_classify_images(handle_.get(), list.data(), static_cast<int64_t>(list.size()), crops, &result));
    return Result(result);
  }
  // Preprocessed images: `count` x 3 x height x width floats.
  Result run(const float* values, int64_t count) {
    alexnet_result* result = nullptr;
    check(alexnet_session_run_tensor(handle_.get(), values, count, &result));
    return Result(result);
  }
  // Activations of a layer of options.outputs: images x channels x height x width floats.
  std::vector<float> features(const std::vector<Image>& images, const std::string& layer) {
    int64_t channels = 0, height = 0, width = 0;
    check(alexnet_session_output_shape(handle_.get(), layer.c_str(), &channels, &height, &width));
    const std::vector<const alexnet_image*> list = pointers(images);
    std::vector<float> values(list.size() * static_cast<size_t>(channels * height * width));
    check(alexnet_session_features(handle_.get(), list.data(), static_cast<int64_t>(list.size()), layer.c_str(),
                                   values.data(), static_cast<int64_t>(values.size())));
    return values;
  }

 private:
  static std::vector<const alexnet_image*> pointers(const std::vector<Image>& images) {
    std::vector<const alexnet_image*> list;
    for (const Image& image : images) list.push_back(image.get());
    return list;
  }
  struct FreeOptions {
    void operator()(alexnet_session_options* options) const { alexnet_session_options_free(options); }
  };
  struct Free {
    void operator()(alexnet_session* session) const { (void)alexnet_session_free(session); }
  };
  std::unique_ptr<alexnet_session, Free> handle_;
};

}  // namespace alexnet
