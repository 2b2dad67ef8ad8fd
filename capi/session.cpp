// Session options, sessions and results.
#include <functional>

#include "backends/registry.h"
#include "guard.h"
#include "handles.h"

using namespace alx;
using namespace alx::capi;

namespace {

// One thread at a time: a second one is told so instead of waiting.
class Work {
 public:
  explicit Work(alexnet_session* session) : session_(session) {
    require(session, "session");
    check(!session->at_work.exchange(true), Code::invalid_state,
          "the session is at work in another thread; make a session for each thread");
  }
  ~Work() { session_->at_work = false; }
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  Session& operator*() const { return *session_->session; }
  Session* operator->() const { return session_->session.get(); }

 private:
  alexnet_session* session_;
};

SessionOptions options_for(const alexnet_model* model, const alexnet_session_options* options) {
  require(model, "model");
  SessionOptions wanted = options ? options->options : SessionOptions{};
  if (wanted.threads == 0) wanted.threads = model->threads;
  return wanted;
}

MemoryReport plan_memory(const alexnet_model* model, const alexnet_session_options* options) {
  const SessionOptions wanted = options_for(model, options);
  NetworkOptions network;
  network.batch = wanted.batch;
  network.precision = wanted.precision;
  network.outputs = wanted.outputs;
  return Network(model->model->spec(), open_devices(wanted.devices, wanted.threads), network).memory();
}

alexnet_result* make_result(const alexnet_session* session, std::vector<float> probabilities) {
  auto result = std::make_unique<alexnet_result>();
  result->model = session->model;
  const auto classes = static_cast<size_t>(session->model->spec().classes);
  for (size_t first = 0; first < probabilities.size(); first += classes)
    result->ranked.push_back(top_k(std::span(probabilities).subspan(first, classes), static_cast<int64_t>(classes)));
  result->probabilities = std::move(probabilities);
  return result.release();
}

std::vector<Image> images_of(const alexnet_image* const* images, int64_t count) {
  require(images, "images");
  check(count >= 1, Code::invalid_argument, "count must be at least 1, got ", count);
  std::vector<Image> list;
  for (int64_t i = 0; i < count; ++i) {
    check(images[i] != nullptr, Code::invalid_argument, "images[", i, "] must not be NULL");
    check(images[i]->image.width > 0, Code::invalid_argument, "images[", i, "] has no pixels; set them first");
    list.push_back(images[i]->image);
  }
  return list;
}

alexnet_status classify(alexnet_session* session, const std::function<std::vector<Image>()>& read, int32_t crops,
                        alexnet_result** result) {
  return guard([&] {
    require(result, "result");
    const Work work(session);
    *result = make_result(session, work->classify(read(), crops));
  });
}

}  // namespace

alexnet_status alexnet_session_options_create(alexnet_session_options** options) {
  return guard([&] {
    require(options, "options");
    *options = new alexnet_session_options;
  });
}

alexnet_status alexnet_session_options_set_device(alexnet_session_options* options, const char* device) {
  return guard([&] {
    require(options, "options");
    require(device, "device");
    options->options.devices = device;
  });
}

alexnet_status alexnet_session_options_set_threads(alexnet_session_options* options, int32_t threads) {
  return guard([&] {
    require(options, "options");
    check(threads >= 0 && threads <= 4096, Code::invalid_argument, "threads must lie in 0..4096, got ", threads);
    options->options.threads = threads;
  });
}

alexnet_status alexnet_session_options_set_batch(alexnet_session_options* options, int64_t batch) {
  return guard([&] {
    require(options, "options");
    check(batch >= 1 && batch <= 65536, Code::invalid_argument, "batch must lie in 1..65536, got ", batch);
    options->options.batch = batch;
  });
}

alexnet_status alexnet_session_options_set_precision(alexnet_session_options* options, alexnet_precision precision) {
  return guard([&] {
    require(options, "options");
    constexpr DataType types[] = {DataType::f32, DataType::f16, DataType::bf16, DataType::i8};
    require_index(precision, 4, "precision");
    options->options.precision = types[precision];
  });
}

alexnet_status alexnet_session_options_add_output(alexnet_session_options* options, const char* layer) {
  return guard([&] {
    require(options, "options");
    require(layer, "layer");
    options->options.outputs.emplace_back(layer);
  });
}

void alexnet_session_options_free(alexnet_session_options* options) { delete options; }

alexnet_status alexnet_memory_query(const alexnet_model* model, const alexnet_session_options* options,
                                    int64_t* weights, int64_t* activations) {
  return guard([&] {
    const MemoryReport memory = plan_memory(model, options);
    give(weights, static_cast<int64_t>(memory.weights));
    give(activations, static_cast<int64_t>(memory.activations));
  });
}

alexnet_status alexnet_session_create(const alexnet_model* model, const alexnet_session_options* options,
                                      alexnet_session** session) {
  return guard([&] {
    require(session, "session");
    const SessionOptions wanted = options_for(model, options);
    auto made = std::make_unique<alexnet_session>();
    made->model = model->model;
    made->session = std::make_unique<Session>(model->model, wanted);
    *session = made.release();
  });
}

alexnet_status alexnet_session_classify_file(alexnet_session* session, const char* path, alexnet_result** result) {
  return classify(
      session,
      [&] {
        require(path, "path");
        return std::vector<Image>{read_image(path)};
      },
      1, result);
}

alexnet_status alexnet_session_classify_bytes(alexnet_session* session, const void* bytes, size_t size,
                                              alexnet_result** result) {
  return classify(
      session,
      [&] {
        require(bytes, "bytes");
        return std::vector<Image>{decode_image({static_cast<const std::byte*>(bytes), size}, "the picture in memory")};
      },
      1, result);
}

alexnet_status alexnet_session_classify_images(alexnet_session* session, const alexnet_image* const* images,
                                               int64_t count, int32_t crops, alexnet_result** result) {
  return classify(
      session, [&] { return images_of(images, count); }, crops, result);
}

alexnet_status alexnet_session_run_tensor(alexnet_session* session, const float* values, int64_t count,
                                          alexnet_result** result) {
  return guard([&] {
    require(values, "values");
    require(result, "result");
    check(count >= 1, Code::invalid_argument, "count must be at least 1, got ", count);
    const Work work(session);
    const int64_t image = element_count(work->network().input_shape()) / work->batch();
    check(count <= INT64_MAX / image, Code::invalid_argument, "count is too large: ", count);
    *result = make_result(session, work->run({values, static_cast<size_t>(count * image)}));
  });
}

alexnet_status alexnet_session_output_shape(alexnet_session* session, const char* layer, int64_t* channels,
                                            int64_t* height, int64_t* width) {
  return guard([&] {
    require(layer, "layer");
    const Work work(session);
    give_shape(work->network().shape(layer), channels, height, width);
  });
}

alexnet_status alexnet_session_features(alexnet_session* session, const alexnet_image* const* images, int64_t count,
                                        const char* layer, float* values, int64_t capacity) {
  return guard([&] {
    require(layer, "layer");
    require(values, "values");
    const Work work(session);
    const std::vector<Image> list = images_of(images, count);
    const int64_t needed = element_count(work->network().shape(layer)) / work->batch() * count;
    check(capacity >= needed, Code::invalid_argument, "capacity is ", capacity, ", but ", count, " images of layer ",
          layer, " take ", needed, " floats");
    const std::vector<float> features = work->features(list, layer);
    std::copy(features.begin(), features.end(), values);
  });
}

alexnet_status alexnet_session_memory(alexnet_session* session, int64_t* weights, int64_t* activations) {
  return guard([&] {
    const Work work(session);
    const MemoryReport memory = work->network().memory();
    give(weights, static_cast<int64_t>(memory.weights));
    give(activations, static_cast<int64_t>(memory.activations));
  });
}

alexnet_status alexnet_session_free(alexnet_session* session) {
  return guard([&] {
    if (!session) return;
    { const Work idle(session); }
    delete session;
  });
}

alexnet_status alexnet_result_count(const alexnet_result* result, int64_t* images) {
  return guard([&] {
    require(result, "result");
    require(images, "images");
    *images = static_cast<int64_t>(result->ranked.size());
  });
}

alexnet_status alexnet_result_top(const alexnet_result* result, int64_t image, int64_t rank, int64_t* class_index,
                                  const char** label, float* probability) {
  return guard([&] {
    require(result, "result");
    require_index(image, static_cast<int64_t>(result->ranked.size()), "image");
    const auto& ranked = result->ranked[static_cast<size_t>(image)];
    require_index(rank, static_cast<int64_t>(ranked.size()), "rank");
    const Ranked& entry = ranked[static_cast<size_t>(rank)];
    give(class_index, entry.index);
    give(label, result->model->labels()[static_cast<size_t>(entry.index)].c_str());
    give(probability, entry.probability);
  });
}

alexnet_status alexnet_result_probabilities(const alexnet_result* result, int64_t image, const float** probabilities,
                                            int64_t* class_count) {
  return guard([&] {
    require(result, "result");
    require(probabilities, "probabilities");
    require_index(image, static_cast<int64_t>(result->ranked.size()), "image");
    const int64_t classes = result->model->spec().classes;
    *probabilities = result->probabilities.data() + image * classes;
    give(class_count, classes);
  });
}

void alexnet_result_free(alexnet_result* result) { delete result; }
