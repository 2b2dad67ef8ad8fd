#include "train/frozen.h"

#include <algorithm>
#include <cmath>

#include "backends/registry.h"
#include "core/error.h"
#include "core/finite.h"
#include "core/log.h"
#include "data/prepared.h"
#include "network/answer_pictures.h"
#include "train/trainer.h"

namespace alx {
namespace {

constexpr int64_t feature_batch = 64, score_batch = 128;

// Only with what is left of its nodes.
NetSpec with_nodes(NetSpec spec, std::vector<Node> nodes) {
  spec.nodes = std::move(nodes);
  std::erase_if(spec.aliases, [&](const auto& alias) { return !spec.node(alias.second); });
  if (!spec.node(spec.logits)) spec.logits.clear();
  return spec;
}

// From this node to the logits, each of which reads the one before; and the softmax over them.
std::vector<Node> chain_from(const NetSpec& spec, const Node* first) {
  std::vector<Node> chain;
  for (const Node* node = spec.node(spec.logits);; node = spec.node(node->inputs.front())) {
    chain.push_back(*node);
    if (node == first) break;
  }
  std::ranges::reverse(chain);
  const Node& last = spec.nodes.back();
  if (facts_of(last.op).probabilities && last.inputs.front() == spec.logits) chain.push_back(last);
  chain.front().inputs = {data_name};
  for (Node& node : chain) node.slot.reset();
  return chain;
}

}  // namespace

CutNetwork cut_at_head(const NetSpec& spec) {
  const Node* first = head_of(spec);
  check(first != nullptr, Code::unsupported, spec.id,
        ": its logits come from no single last layer, so all but that cannot be frozen");
  const Node* before = spec.node(first->inputs.front());
  while (before && facts_of(before->op).random) {
    first = before;
    before = spec.node(first->inputs.front());
  }
  check(before != nullptr, Code::unsupported, spec.id,
        ": its last layer reads the pictures themselves: there is nothing before it to freeze");
  std::vector<Node> nodes(spec.nodes.begin(),
                          spec.nodes.begin() + (before - spec.nodes.data()) + 1);
  CutNetwork cut{with_nodes(spec, std::move(nodes)), with_nodes(spec, chain_from(spec, first))};
  const Shape shape = infer_shapes(spec, 1).at(before->name);
  InputSpec& input = cut.head.input;
  input.channels = shape[1];
  input.height = shape.size() == 4 ? shape[2] : 1;
  input.width = shape.size() == 4 ? shape[3] : 1;
  return cut;
}

std::string device_of_head(const std::string& devices) {
  return devices.substr(0, devices.find(','));
}

FeatureSet::FeatureSet(std::shared_ptr<const Dataset> data, int64_t each, int64_t most_bytes,
                       const std::string& folder)
    : data_(std::move(data)),
      each_(static_cast<size_t>(each)),
      broken_(static_cast<size_t>(data_->size())) {
  const int64_t bytes_each = each * static_cast<int64_t>(sizeof(float));
  if (data_->size() <= most_bytes / bytes_each)
    values_.resize(static_cast<size_t>(data_->size()) * each_);
  else
    file_.emplace(folder);
}

std::string FeatureSet::place() const {
  const auto bytes =
      static_cast<double>(data_->size()) * static_cast<double>(each_ * sizeof(float));
  return cat(file_ ? "in a temporary file" : "in memory", ", ", std::ceil(bytes / 1e6), " MB");
}

void FeatureSet::write(int64_t first, std::span<const float> features) {
  const size_t at = static_cast<size_t>(first) * each_;
  if (file_)
    file_->write(at * sizeof(float), std::as_bytes(features));
  else
    std::ranges::copy(features, values_.begin() + static_cast<std::ptrdiff_t>(at));
}

void FeatureSet::read(int64_t i, std::span<float> into) const {
  const size_t at = static_cast<size_t>(i) * each_;
  if (file_)
    file_->read(at * sizeof(float), std::as_writable_bytes(into));
  else
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(at), each_, into.begin());
}

void FeatureSet::make(Session& frozen, const std::string& layer, int64_t at_least,
                      const EvaluateOptions& watch) {
  const int64_t before = done_;
  AnswerWatch each;
  each.on_answer = [&](int64_t i, const Answer& answer) {
    const std::span<const float> features = answer.layers.front();
    check(first_not_finite(features.data(), features.size()) == features.size(), Code::bad_file,
          "what the frozen layers make of ", data_->name(before + i),
          " is no number: the weights overflow in this precision");
    write(before + i, features);
  };
  each.on_broken = [&](int64_t i, const Error& why) {
    broken_[static_cast<size_t>(before + i)] = true;
    ++broken_count_;
    log_line(LogLevel::warning, cat(data_->name(before + i), " is skipped: ", why.what()));
  };
  each.after_batch = [&](int64_t done) {
    done_ = before + done;
    if (watch.progress) watch.progress(done_, data_->size());
    if (!complete() && watch.cancelled && watch.cancelled())
      fail(Code::cancelled, "stopped after ", done_, " of ", data_->size(), " pictures");
  };
  const auto read = [&](int64_t i, Image& scratch) -> const Image& {
    return scratch = data_->image(before + i, at_least);
  };
  answer_pictures({&frozen}, {data_->size() - before, read},
                  {.layers = {layer}, .probabilities = false}, each);
  if (broken_count_ == data_->size()) fail_all_broken(*data_);
}

FrozenPart::FrozenPart(const NetSpec& spec, const TrainOptions& options,
                       const WeightSource& weights, std::shared_ptr<const Dataset> data,
                       std::shared_ptr<const Preprocessor> preprocessor)
    : cut_(cut_at_head(spec)),
      options_(std::make_shared<const TrainOptions>(options)),
      preprocessor_(std::move(preprocessor)),
      params_(params_of(cut_.frozen)),
      each_(cut_.head.input.channels * cut_.head.input.height * cut_.head.input.width),
      training_(std::move(data), each_, options.feature_bytes, options.cache_folder) {
  auto dense = std::make_shared<DenseWeights>();
  for (const ParamSpec& param : params_)
    weights(param, param.shape[0], [&](int64_t, std::span<const float> rows) {
      std::vector<float>& values = (*dense)[param.name];
      values.insert(values.end(), rows.begin(), rows.end());
    });
  weights_ = std::move(dense);
  if (!options.validation) return;
  validation_.emplace(options.validation, each_, options.feature_bytes, options.cache_folder);
  classes_ =
      match_classes(options.validation->classes(), training_.data().classes(), "the training data");
}

void FrozenPart::prepare(const EvaluateOptions& watch) {
  if (training_.complete() && (!validation_ || validation_->complete())) return;
  const std::string& layer = cut_.frozen.nodes.back().name;
  SessionOptions wanted;
  wanted.devices = devices_of_one(cut_.frozen, options_->devices);
  wanted.threads = options_->threads;
  wanted.host = options_->host;
  wanted.batch = std::min(feature_batch, training_.data().size());
  wanted.precision = options_->precision;
  wanted.outputs = {layer};
  Session frozen(Model::of(cut_.frozen, weights_from(weights_), training_.data().classes(),
                           preprocessor_->mean_image()),
                 wanted);
  training_.make(frozen, layer, preprocessor_->least_side(), watch);
  // whole pictures, as evaluations read them: the figures are theirs
  if (validation_) validation_->make(frozen, layer, 0, watch);
  log_line(
      LogLevel::info,
      cat("the frozen layers have seen ", training_.data().size() - training_.broken(), " pictures",
          validation_ ? cat(" and ", validation_->data().size(), " to measure by") : std::string(),
          "; what they make of them is kept ", training_.place()));
}

void FrozenPart::next(int64_t step, Batch& batch) {
  const Dataset& data = training_.data();
  const int64_t rows = options_->recipe.batch, size = data.size(), steps = size / rows;
  const int64_t epoch = step / steps, position = step % steps * rows;
  if (order_epoch_ != epoch) order_ = epoch_order(size, options_->seed, epoch);
  order_epoch_ = epoch;
  batch.images.resize(static_cast<size_t>(rows * each_));
  batch.labels.resize(static_cast<size_t>(rows));
  for (int64_t row = 0; row < rows; ++row) {
    int64_t at = position + row;
    const auto picture = [&] { return order_[static_cast<size_t>(at % size)]; };
    while (!training_.has(picture())) ++at;  // some are whole: prepare() has seen to it
    training_.read(picture(),
                   std::span(batch.images)
                       .subspan(static_cast<size_t>(row * each_), static_cast<size_t>(each_)));
    batch.labels[static_cast<size_t>(row)] = static_cast<int32_t>(data.label(picture()));
  }
}

Evaluation FrozenPart::evaluate(const WeightSource& head) const {
  const Dataset& data = validation_->data();
  NetworkOptions wanted;
  wanted.batch = std::min(score_batch, data.size());
  Network network(
      cut_.head, open_devices(device_of_head(options_->devices), options_->threads, options_->host),
      wanted);
  network.load(head);
  const auto each = static_cast<size_t>(each_), classes = static_cast<size_t>(cut_.head.classes);
  std::vector<float> features, answers(static_cast<size_t>(network.batch()) * classes);
  std::vector<int64_t> truths;
  Evaluation result;
  result.broken = validation_->broken();
  const auto flush = [&] {
    network.set_input(features);
    network.forward();
    network.read_result(answers);
    for (size_t i = 0; i < truths.size(); ++i)
      result.add(std::span(answers).subspan(i * classes, classes), truths[i]);
    features.clear();
    truths.clear();
  };
  for (int64_t i = 0; i < data.size(); ++i) {
    if (!validation_->has(i)) continue;
    features.resize(features.size() + each);
    validation_->read(i, std::span(features).last(each));
    truths.push_back(classes_[static_cast<size_t>(data.label(i))]);
    if (static_cast<int64_t>(truths.size()) == network.batch()) flush();
  }
  if (!truths.empty()) flush();
  result.divide();
  return result;
}

}  // namespace alx
