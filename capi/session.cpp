// Session options, sessions and results.
#include "handles.h"
#include "network/answer_pictures.h"

using namespace alx;
using namespace alx::capi;

namespace {

SessionOptions options_for(const alexnet_model* model, const alexnet_session_options* options) {
  require(model, "model");
  SessionOptions wanted = options ? options->options : SessionOptions{};
  if (wanted.threads == 0) wanted.threads = model->settings->threads;
  wanted.host = model->settings->host(wanted.threads);
  return wanted;
}

// What the layers of its options have answered, besides probabilities.
std::unique_ptr<alexnet_result> empty_result(const alexnet_session* session) {
  auto result = std::make_unique<alexnet_result>();
  result->model = session->model;
  for (const std::string& output : session->outputs) result->layers.push_back({output, {}});
  return result;
}

void add_image(alexnet_result& result, std::span<const float> probabilities) {
  result.ranked.push_back(top_k(probabilities, static_cast<int64_t>(probabilities.size())));
  result.probabilities.insert(result.probabilities.end(), probabilities.begin(),
                              probabilities.end());
}

alexnet_result* answer(alexnet_session* session, Pictures pictures, int crops) {
  auto result = empty_result(session);
  AnswerWatch watch;
  watch.on_answer = [&](int64_t, const Answer& answer) {
    add_image(*result, answer.probabilities);
    for (size_t i = 0; i < answer.layers.size(); ++i) {
      std::vector<float>& all = result->layers[i].values;
      all.insert(all.end(), answer.layers[i].begin(), answer.layers[i].end());
    }
  };
  watch.on_broken = [](int64_t, const Error& error) { throw error; };
  answer_pictures({session->session.get()}, std::move(pictures),
                  {.crops = crops, .layers = session->outputs}, watch);
  return result.release();
}

Pictures pictures_of(const alexnet_image* const* images, int64_t count) {
  return {count, [=](int64_t i, Image&) -> const Image& { return images[i]->image; }};
}

void check_images(const alexnet_image* const* images, int64_t count) {
  require(images, "images");
  check(count >= 1, Code::invalid_argument, "count must be at least 1, got ", count);
  for (int64_t i = 0; i < count; ++i) {
    check(images[i] != nullptr, Code::invalid_argument, "images[", i, "] must not be NULL");
    check(images[i]->image.width > 0, Code::invalid_argument, "images[", i,
          "] has no pixels; set them first");
  }
}

template <class Read>
alexnet_status classify_one(alexnet_session* session, const Read& read, alexnet_result** result) {
  return guard([&] {
    require(result, "result");
    const Work work(session, "session");
    const auto picture = [&](int64_t, Image& scratch) -> const Image& { return scratch = read(); };
    *result = answer(session, {1, picture}, 1);
  });
}

}  // namespace

Precision alx::capi::precision_of(alexnet_precision precision) {
  constexpr Precision precisions[] = {Precision::fp32, Precision::fp16, Precision::bf16,
                                      Precision::int8, Precision::tf32};
  require_index(precision, 5, "precision");
  return precisions[precision];
}

DataType alx::capi::stored_type_of(alexnet_precision precision) {
  check(precision != ALEXNET_PRECISION_INT8 && precision != ALEXNET_PRECISION_TF32,
        Code::invalid_argument, "precision: weights are stored as FP32, FP16 or BF16, not as ",
        precision == ALEXNET_PRECISION_INT8 ? "INT8" : "TF32");
  return stored_type(precision_of(precision));
}

alexnet_status alexnet_session_options_create(alexnet_session_options** options) {
  return guard([&] {
    require(options, "options");
    *options = new alexnet_session_options;
  });
}

alexnet_status alexnet_session_options_set_device(alexnet_session_options* options,
                                                  const char* device) {
  return guard([&] {
    require(options, "options");
    require(device, "device");
    options->options.devices = device;
  });
}

alexnet_status alexnet_session_options_set_threads(alexnet_session_options* options,
                                                   int32_t threads) {
  return guard([&] {
    require(options, "options");
    require_threads(threads);
    options->options.threads = threads;
  });
}

alexnet_status alexnet_session_options_set_batch(alexnet_session_options* options, int64_t batch) {
  return guard([&] {
    require(options, "options");
    check(batch >= 1 && batch <= 65536, Code::invalid_argument, "batch must lie in 1..65536, got ",
          batch);
    options->options.batch = batch;
  });
}

alexnet_status alexnet_session_options_set_precision(alexnet_session_options* options,
                                                     alexnet_precision precision) {
  return guard([&] {
    require(options, "options");
    options->options.precision = precision_of(precision);
  });
}

alexnet_status alexnet_session_options_add_output(alexnet_session_options* options,
                                                  const char* layer) {
  return guard([&] {
    require(options, "options");
    require(layer, "layer");
    options->options.outputs.emplace_back(layer);
  });
}

void alexnet_session_options_free(alexnet_session_options* options) { delete options; }

alexnet_status alexnet_session_plan_memory(const alexnet_model* model,
                                           const alexnet_session_options* options,
                                           alexnet_memory** memory) {
  return guard([&] {
    require(memory, "memory");
    const SessionOptions wanted = options_for(model, options);
    *memory = make_memory_handle(*Session::plan(*model->model, wanted), Phase::inference);
  });
}

alexnet_status alexnet_session_create(const alexnet_model* model,
                                      const alexnet_session_options* options,
                                      alexnet_session** session) {
  return guard([&] {
    require(session, "session");
    const SessionOptions wanted = options_for(model, options);
    auto made = std::make_unique<alexnet_session>();
    made->model = model->model;
    made->settings = model->settings;
    made->outputs = wanted.outputs;
    made->session = std::make_unique<Session>(model->model, wanted);
    *session = made.release();
  });
}

alexnet_status alexnet_session_classify_file(alexnet_session* session, const char* path,
                                             alexnet_result** result) {
  const auto read = [&] {
    require(path, "path");
    return read_image(path, 0, session->settings->limits());
  };
  return classify_one(session, read, result);
}

alexnet_status alexnet_session_classify_memory(alexnet_session* session, const void* bytes,
                                               size_t size, alexnet_result** result) {
  const auto read = [&] {
    return decode_image(require_bytes(bytes, size), "the picture in memory", 0,
                        session->settings->limits());
  };
  return classify_one(session, read, result);
}

alexnet_status alexnet_session_classify_images(alexnet_session* session,
                                               const alexnet_image* const* images, int64_t count,
                                               int32_t crops, alexnet_result** result) {
  return guard([&] {
    require(result, "result");
    const Work work(session, "session");
    check_images(images, count);
    *result = answer(session, pictures_of(images, count), crops);
  });
}

alexnet_status alexnet_session_run_tensor(alexnet_session* session, const float* values,
                                          int64_t count, alexnet_result** result) {
  return guard([&] {
    require(result, "result");
    check(count >= 1, Code::invalid_argument, "count must be at least 1, got ", count);
    require(values, "values");
    const Work work(session, "session");
    const int64_t image =
        element_count(session->session->network().input_shape()) / session->session->batch();
    check(count <= INT64_MAX / image, Code::invalid_argument, "count is too large: ", count);
    Answers all = session->session->answer({values, static_cast<size_t>(count * image)},
                                           {.layers = session->outputs});
    auto made = empty_result(session);
    const size_t classes = all.probabilities.size() / static_cast<size_t>(count);
    for (size_t at = 0; at < all.probabilities.size(); at += classes)
      add_image(*made, std::span(all.probabilities).subspan(at, classes));
    for (size_t i = 0; i < all.layers.size(); ++i)
      made->layers[i].values = std::move(all.layers[i]);
    *result = made.release();
  });
}

alexnet_status alexnet_session_output_shape(alexnet_session* session, const char* layer,
                                            int64_t* channels, int64_t* height, int64_t* width) {
  return guard([&] {
    require(layer, "layer");
    const Work work(session, "session");
    give_shape(session->session->network().shape(layer), channels, height, width);
  });
}

alexnet_status alexnet_session_features(alexnet_session* session,
                                        const alexnet_image* const* images, int64_t count,
                                        const char* layer, float* values, int64_t capacity) {
  return guard([&] {
    require(layer, "layer");
    require(values, "values");
    const Work work(session, "session");
    check_images(images, count);
    const Session& run = *session->session;
    const int64_t needed = element_count(run.network().shape(layer)) / run.batch() * count;
    check(capacity >= needed, Code::invalid_argument, "capacity is ", capacity, ", but ", count,
          " images of layer ", layer, " take ", needed, " floats");
    AnswerWatch watch;
    watch.on_answer = [to = values](int64_t, const Answer& answer) mutable {
      to = std::copy(answer.layers.front().begin(), answer.layers.front().end(), to);
    };
    answer_pictures({session->session.get()}, pictures_of(images, count),
                    {.layers = {layer}, .probabilities = false}, watch);
  });
}

alexnet_status alexnet_session_memory(alexnet_session* session, alexnet_memory** memory) {
  return guard([&] {
    require(memory, "memory");
    const Work work(session, "session");
    *memory = make_memory_handle(session->session->network(), Phase::inference);
  });
}

alexnet_status alexnet_session_free(alexnet_session* session) {
  return guard([&] {
    if (!session) return;
    { const Work idle(session, "session"); }
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

alexnet_status alexnet_result_top(const alexnet_result* result, int64_t image, int64_t rank,
                                  int64_t* class_index, const char** label, float* probability) {
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

alexnet_status alexnet_result_probabilities(const alexnet_result* result, int64_t image,
                                            const float** probabilities, int64_t* class_count) {
  return guard([&] {
    require(result, "result");
    require(probabilities, "probabilities");
    require_index(image, static_cast<int64_t>(result->ranked.size()), "image");
    const int64_t classes = result->model->spec().classes;
    *probabilities = result->probabilities.data() + image * classes;
    give(class_count, classes);
  });
}

alexnet_status alexnet_result_features(const alexnet_result* result, int64_t image,
                                       const char* layer, const float** values, int64_t* count) {
  return guard([&] {
    require(result, "result");
    require(layer, "layer");
    require(values, "values");
    require_index(image, static_cast<int64_t>(result->ranked.size()), "image");
    const NetSpec& spec = result->model->spec();
    const Node* wanted = spec.find(layer);
    const auto found = std::ranges::find_if(result->layers, [&](const auto& each) {
      return wanted != nullptr && spec.find(each.layer) == wanted;
    });
    check(found != result->layers.end(), Code::not_found, "the result holds no features of \"",
          layer, "\": name it by alexnet_session_options_add_output before the session is made");
    const size_t size = found->values.size() / result->ranked.size();
    *values = found->values.data() + static_cast<size_t>(image) * size;
    give(count, static_cast<int64_t>(size));
  });
}

void alexnet_result_free(alexnet_result* result) { delete result; }
