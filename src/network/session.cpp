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
    : model_(std::move(model)),
      network_(plan(*model_, options)),
      precision_(options.precision),
      loop_(loop_of(options.host, options.threads)),
      readers_(options.host.loop ? 0 : loop_->threads()) {
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

namespace {

// Rows of one output as they come, or the means of so many in a row.
class Collected {
 public:
  Collected(const Network& network, std::string name, int crops)
      : name_(std::move(name)),
        row_(static_cast<size_t>(element_count(network.shape(name_)) / network.batch())),
        crops_(crops),
        batch_(static_cast<size_t>(network.batch()) * row_),
        sum_(crops > 1 ? row_ : 0) {}

  void read(Network& network, int64_t count) {
    network.read(name_, batch_);
    const std::span<const float> rows(batch_.data(), static_cast<size_t>(count) * row_);
    if (crops_ == 1) {
      all_.insert(all_.end(), rows.begin(), rows.end());
      return;
    }
    for (size_t at = 0; at < rows.size(); at += row_) add(rows.subspan(at, row_));
  }

  std::vector<float> take() { return std::move(all_); }

 private:
  void add(std::span<const float> row) {
    for (size_t i = 0; i < row_; ++i) sum_[i] += row[i];
    if (++summed_ < crops_) return;
    for (double& sum : sum_) {
      all_.push_back(static_cast<float>(sum / crops_));
      sum = 0;
    }
    summed_ = 0;
  }

  std::string name_;
  size_t row_;
  int crops_, summed_ = 0;
  std::vector<float> batch_, all_;
  std::vector<double> sum_;
};

Crop test_crop(const Preprocessor& preprocessor, const Image& prepared, int64_t index, int crops) {
  return crops == 1 ? preprocessor.center(prepared) : preprocessor.one_of_ten(prepared, index);
}

}  // namespace

void check_crops(int crops) {
  check(crops == 1 || crops == 10, Code::invalid_argument, "crops must be 1 or 10, got ", crops);
}

template <class SetInput>
Answers Session::compute(int64_t rows, const AnswerOptions& wanted, const SetInput& set_input) {
  std::vector<Collected> outputs;
  for (const std::string& layer : wanted.layers)
    outputs.emplace_back(*network_, layer, wanted.crops);
  if (wanted.probabilities) outputs.emplace_back(*network_, network_->result(), wanted.crops);
  for (int64_t first = 0; first < rows; first += batch()) {
    const int64_t count = std::min(batch(), rows - first);
    set_input(first, count);
    network_->forward();
    for (Collected& output : outputs) output.read(*network_, count);
  }
  Answers answers;
  for (size_t i = 0; i < wanted.layers.size(); ++i) answers.layers.push_back(outputs[i].take());
  if (!wanted.probabilities) return answers;
  answers.probabilities = outputs.back().take();
  const std::vector<float>& all = answers.probabilities;
  check(first_not_finite(all.data(), all.size()) == all.size(), Code::bad_file, "the answer of ",
        model_->description(), " is not a number: the weights overflow in this precision");
  return answers;
}

Answers Session::answer(std::span<const float> inputs, const AnswerOptions& wanted) {
  check_crops(wanted.crops);
  const auto one = static_cast<size_t>(element_count(network_->input_shape()) / batch());
  check(inputs.size() % (one * static_cast<size_t>(wanted.crops)) == 0, Code::invalid_argument,
        inputs.size(), " numbers are no whole count of images of ", one, ": ",
        to_string(network_->input_shape()));
  const auto rows = static_cast<int64_t>(inputs.size() / one);
  return compute(rows, wanted, [&](int64_t first, int64_t count) {
    const size_t from = static_cast<size_t>(first) * one;
    const auto values = inputs.subspan(from, static_cast<size_t>(count) * one);
    // Networks swallow them: ReLU makes a NaN zero, and the answer looks like any other.
    if (const size_t wrong = network_->set_finite_input(values); wrong < values.size())
      fail(Code::invalid_argument, "value ", from + wrong, " of the input is ", values[wrong],
           ", not a finite number");
  });
}

Answers Session::answer(std::span<const Image* const> prepared, const AnswerOptions& wanted) {
  check_crops(wanted.crops);
  const int crops = wanted.crops;
  const Preprocessor& preprocessor = model_->preprocessor();
  const auto one = static_cast<size_t>(element_count(network_->input_shape()) / batch());
  const auto rows = static_cast<int64_t>(prepared.size()) * crops;
  input_.resize(static_cast<size_t>(std::min(rows, batch())) * one);
  return compute(rows, wanted, [&](int64_t first, int64_t count) {
    (*loop_)(count, [&](int64_t row) {
      const Image& image = *prepared[static_cast<size_t>((first + row) / crops)];
      preprocessor.fill(test_crop(preprocessor, image, (first + row) % crops, crops),
                        std::span(input_).subspan(static_cast<size_t>(row) * one, one));
    });
    network_->set_input(std::span(input_).first(static_cast<size_t>(count) * one));
  });
}

Answers Session::answer(const std::vector<Image>& images, const AnswerOptions& wanted) {
  std::vector<Image> prepared;
  std::vector<const Image*> all;
  prepared.reserve(images.size());
  for (const Image& image : images)
    all.push_back(&prepared.emplace_back(model_->preprocessor().prepare(image)));
  return answer(std::span<const Image* const>(all), wanted);
}

std::vector<float> Session::classify(const std::vector<Image>& images, int crops) {
  return answer(images, {.crops = crops}).probabilities;
}

std::vector<float> Session::features(const std::vector<Image>& images, const std::string& layer) {
  return std::move(answer(images, {.layers = {layer}, .probabilities = false}).layers.front());
}

std::vector<float> prepare(const Model& model, const Image& image, int crops) {
  check_crops(crops);
  const Preprocessor& preprocessor = model.preprocessor();
  const InputSpec& input = preprocessor.input();
  const auto size = static_cast<size_t>(3 * input.height * input.width);
  std::vector<float> values(size * static_cast<size_t>(crops));
  const Image prepared = preprocessor.prepare(image);
  for (int crop = 0; crop < crops; ++crop)
    preprocessor.fill(test_crop(preprocessor, prepared, crop, crops),
                      std::span(values).subspan(static_cast<size_t>(crop) * size, size));
  return values;
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
