#include "network/session.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "backends/registry.h"
#include "core/error.h"
#include "core/finite.h"
#include "core/log.h"
#include "network/feature_index.h"
#include "weights/format.h"

namespace alx {
Session::Session(std::shared_ptr<const Model> model, const SessionOptions& options)
    : model_(std::move(model)), network_(plan(*model_, options)) {
  model_->load(*network_);
  log_line(LogLevel::info, cat("session of ", model_->description(), ": batch ", options.batch,
                               ", ", name_of(options.precision), ", ", options.devices));
}

std::unique_ptr<Network> Session::plan(const Model& model, const SessionOptions& options) {
  NetworkOptions wanted;
  wanted.batch = options.batch;
  wanted.precision = options.precision;
  wanted.outputs = options.outputs;
  return std::make_unique<Network>(
      model.spec(), open_devices(options.devices, options.threads, options.host), wanted);
}

std::vector<float> Session::run_and_read(std::span<const float> images, const std::string& output,
                                         Values values) {
  const auto image_size = static_cast<size_t>(element_count(network_->input_shape()) / batch());
  check(images.size() % image_size == 0, Code::invalid_argument, images.size(),
        " numbers are no whole count of images of ", image_size, ": ",
        to_string(network_->input_shape()));
  const size_t count = images.size() / image_size, step = static_cast<size_t>(batch());
  const auto row = static_cast<size_t>(element_count(network_->shape(output)) / batch());
  std::vector<float> all(count * row), part(step * row);
  for (size_t first = 0; first < count; first += step) {
    const size_t n = std::min(step, count - first);
    const std::span<const float> batch = images.subspan(first * image_size, n * image_size);
    if (values == Values::ours) network_->set_input(batch);
    // Networks swallow them: ReLU makes a NaN zero, and the answer looks like any other.
    else if (const size_t wrong = network_->set_finite_input(batch); wrong < batch.size())
      fail(Code::invalid_argument, "value ", first * image_size + wrong, " of the input is ",
           batch[wrong], ", not a finite number");
    network_->forward();
    network_->read(output, part);
    std::copy_n(part.begin(), n * row, all.begin() + static_cast<std::ptrdiff_t>(first * row));
  }
  return all;
}

std::vector<float> Session::run(std::span<const float> images) {
  return probabilities_of(images, Values::anyones);
}

std::vector<float> Session::probabilities_of(std::span<const float> images, Values values) {
  std::vector<float> probabilities = run_and_read(images, network_->result(), values);
  const bool finite =
      first_not_finite(probabilities.data(), probabilities.size()) == probabilities.size();
  check(finite, Code::bad_file, "the answer of ", model_->description(),
        " is not a number: the weights overflow in this precision");
  return probabilities;
}

std::vector<float> prepare(const Model& model, const std::vector<Image>& images, int crops) {
  check(crops == 1 || crops == 10, Code::invalid_argument, "crops must be 1 or 10, got ", crops);
  const Preprocessor& preprocessor = model.preprocessor();
  const InputSpec& input = preprocessor.input();
  const auto size = static_cast<size_t>(3 * input.height * input.width * crops);
  std::vector<float> values(images.size() * size);
  for (size_t i = 0; i < images.size(); ++i) {
    const Image prepared = preprocessor.prepare(images[i]);
    const std::span<float> out(values.data() + i * size, size);
    crops == 1 ? preprocessor.center(prepared, out) : preprocessor.ten_crops(prepared, out);
  }
  return values;
}

std::vector<float> Session::classify(const std::vector<Image>& images, int crops) {
  const std::vector<float> each = probabilities_of(prepare(*model_, images, crops), Values::ours);
  const auto row = static_cast<size_t>(classes());
  std::vector<float> mean(images.size() * row);
  for (size_t i = 0; i < mean.size(); ++i) {
    double sum = 0;
    for (size_t crop = 0; crop < static_cast<size_t>(crops); ++crop)
      sum += each[(i / row * static_cast<size_t>(crops) + crop) * row + i % row];
    mean[i] = static_cast<float>(sum / crops);
  }
  return mean;
}

std::vector<float> Session::features(const std::vector<Image>& images, const std::string& layer) {
  return features(prepare(*model_, images, 1), layer);
}

std::vector<float> Session::features(std::span<const float> prepared, const std::string& layer) {
  return run_and_read(prepared, layer, Values::ours);
}

std::vector<Ranked> top_k(std::span<const float> probabilities, int64_t k) {
  std::vector<int64_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), int64_t{0});
  const auto kept = std::clamp<std::ptrdiff_t>(k, 0, static_cast<std::ptrdiff_t>(order.size()));
  const auto better = [&](int64_t a, int64_t b) {
    const float pa = probabilities[static_cast<size_t>(a)],
                pb = probabilities[static_cast<size_t>(b)];
    return pa != pb ? pa > pb : a < b;
  };
  std::partial_sort(order.begin(), order.begin() + kept, order.end(), better);
  std::vector<Ranked> best;
  for (auto i = order.begin(); i != order.begin() + kept; ++i)
    best.push_back({*i, probabilities[static_cast<size_t>(*i)]});
  return best;
}

std::optional<double> self_test(const std::shared_ptr<const Model>& model,
                                const SessionOptions& options) {
  const WeightFile* file = model->file();
  const TensorView *input = file ? file->find(self_test_input) : nullptr,
                   *output = file ? file->find(self_test_output) : nullptr;
  if (!input || !output) return std::nullopt;
  std::vector<float> image(static_cast<size_t>(element_count(input->shape)));
  std::vector<float> expected(static_cast<size_t>(element_count(output->shape)));
  file->read(*input, image);
  file->read(*output, expected);
  const std::vector<float> got = Session(model, options).run(image);
  check(got.size() == expected.size(), Code::bad_file, file->path(), ": ", self_test_output,
        " has ", expected.size(), " numbers, the network gives ", got.size());
  double error = 0;
  for (size_t i = 0; i < got.size(); ++i)
    error = std::max(error, std::abs(static_cast<double>(got[i]) - expected[i]));
  constexpr double tolerance = 2e-3;  // of probabilities, across machines and backends
  check(error <= tolerance, Code::bad_file, file->path(),
        ": the self-test's probabilities differ by ", error, ", more than ", tolerance,
        ": these weights do not compute here what they computed where they were made");
  return error;
}

Verdict verify(const std::string& path, const std::string& devices, const Limits& limits) {
  open_devices(devices);  // a wrong name is no fault of the file
  const WeightFile file = WeightFile::open(path, limits);
  Verdict verdict{file.faults(), std::nullopt};
  if (!verdict.faults.empty()) return verdict;
  try {
    if (is_feature_index(file)) {
      FeatureIndex::open(path);
      return verdict;
    }
    const auto model = Model::open_file(path, "", limits);
    SessionOptions options;
    options.devices = devices;
    verdict.self_test_error = self_test(model, options);
    if (!verdict.self_test_error) Session(model, options);  // the weights fit all the same
  } catch (const Error& error) {
    // no fault of the file
    if (error.code() == Code::out_of_memory || error.code() == Code::device) throw;
    verdict.faults.push_back(error.what());
  }
  return verdict;
}

}  // namespace alx
