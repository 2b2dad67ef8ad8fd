#include "network/network.h"

#include <algorithm>

#include "core/error.h"
#include "core/random.h"

namespace alx {
namespace {

Lowered lower_for(const NetSpec& spec, const NetworkOptions& options) {
  check(options.batch >= 1 && options.batch <= 65536, Code::invalid_argument,
        "the batch must lie in 1..65536, got ", options.batch);
  LowerRequest request;
  request.batch = options.batch;
  request.phase = options.phase;
  request.loss = options.loss || options.phase == Phase::training;
  request.label_smoothing = options.label_smoothing;
  request.class_weights = options.class_weights;
  request.outputs = options.outputs;
  return lower(spec, request);
}

float draw(const Init& init, const Random& random, uint64_t index) {
  switch (init.kind) {
    case Init::Kind::constant: return init.value;
    case Init::Kind::normal: return init.value * random.normal(index);
    case Init::Kind::uniform: return init.value * (2 * random.uniform(index) - 1);
    case Init::Kind::he:
    case Init::Kind::torch: break;  // param_shapes() has made numbers of them
  }
  return 0;
}

}  // namespace

WeightSource random_weights(uint64_t seed) {
  return [seed](const ParamSpec& param, int64_t rows, const PartSink& sink) {
    const Random random(seed, hash_name(param.name), 0);
    const int64_t row_size = element_count(param.shape) / param.shape[0];
    std::vector<float> part;
    for (int64_t row = 0; row < param.shape[0]; row += rows) {
      part.resize(static_cast<size_t>(std::min(rows, param.shape[0] - row) * row_size));
      for (size_t i = 0; i < part.size(); ++i)
        part[i] = draw(param.rule.init, random, static_cast<uint64_t>(row * row_size) + i);
      sink(row, part);
    }
  };
}

std::shared_ptr<Buffer> SharedWeights::find_or_make(
    const std::string& backend, const PlannedParam& param,
    const std::function<std::shared_ptr<Buffer>()>& make) {
  std::lock_guard lock(mutex_);
  std::erase_if(entries_, [](const Entry& entry) { return entry.buffer.expired(); });
  for (const Entry& entry : entries_)
    if (entry.backend == backend && entry.param == param.spec.name &&
        entry.desc.same_memory(param.desc))
      if (auto buffer = entry.buffer.lock()) return buffer;
  auto buffer = make();
  entries_.push_back({backend, param.spec.name, param.desc, buffer});
  return buffer;
}

// A part of a parameter out of the whole one.
static std::vector<float> rows_of(const WeightSource& source, const ParamSpec& part) {
  const ParamSpec whole = whole_of(part);
  const int64_t row_size = element_count(part.shape) / part.shape[0];
  std::vector<float> rows;
  source(whole, whole.shape[0], [&](int64_t row, std::span<const float> elements) {
    const int64_t count = static_cast<int64_t>(elements.size()) / row_size;
    const int64_t first = part.part->first;
    const int64_t begin = std::max(first, row), end = std::min(first + part.shape[0], row + count);
    if (begin < end)
      rows.insert(rows.end(), elements.begin() + (begin - row) * row_size,
                  elements.begin() + (end - row) * row_size);
  });
  return rows;
}

Network::Network(const NetSpec& spec, const std::vector<std::shared_ptr<Backend>>& devices,
                 const NetworkOptions& options)
    : spec_(spec),
      options_(options),
      plan_(lower_for(spec, options), devices,
            {options.phase, options.precision, options.layer_precisions, options.keep_gradients,
             options.runs}) {
  labels_.resize(static_cast<size_t>(batch()));
}

void Network::load(const WeightSource& source, SharedWeights* shared) {
  weights_.clear();
  try {
    place_weights(source, shared);
  } catch (const Error& error) {
    weights_.clear();
    const std::string advice = error.code() == Code::out_of_memory ? what_would_fit() : "";
    if (advice.empty()) throw;
    throw Error(error.code(), error.what() + advice);
  }
}

// For a message, where the devices know how much memory they have.
std::string Network::what_would_fit() const {
  int64_t most = options_.batch;
  size_t wanted = 0;
  for (size_t i = 0; i < device_count(); ++i) {
    const std::optional<size_t> free = plan_.devices()[i]->free_memory();
    if (!free) return "";
    const MemoryReport need = memory(i);
    const size_t momentum = options_.phase == Phase::training ? need.weights : 0;
    const size_t fixed = need.weights + momentum + need.gradients;
    wanted += fixed + need.activations;
    const double room = *free > fixed ? static_cast<double>(*free - fixed) : 0;
    const double images =
        static_cast<double>(options_.batch) * room / static_cast<double>(need.activations);
    most = std::min(most, static_cast<int64_t>(images));
  }
  return cat(
      "; a batch of ", options_.batch, " needs ", wanted >> 20, " MB in all, ",
      most > 0 ? cat("one of ", most, " would fit") : std::string("not even one image would fit"));
}

void Network::place_weights(const WeightSource& source, SharedWeights* shared) {
  for (const PlannedParam& param : plan_.params()) {
    Backend& device = *plan_.devices()[param.device];
    const auto make = [&] {
      auto buffer = device.allocate(param.desc.bytes());
      const auto upload = [&](int64_t row, std::span<const float> elements) {
        device.upload_rows(elements, row, param.desc, buffer->data());
      };
      if (!param.spec.part || param.spec.is_copy())
        source(whole_of(param.spec), device.rows_per_upload(param.desc), upload);
      else
        upload(0, rows_of(source, param.spec));
      return buffer;
    };
    weights_.push_back(shared ? shared->find_or_make(device.name(), param, make) : make());
  }
  std::vector<void*> weights;
  for (const auto& buffer : weights_) weights.push_back(buffer->data());
  forward_.forget();
  plan_.bind(weights);
  if (shared) synchronize();  // others use what was packed here
}

std::span<const float> Network::whole_input(std::span<const float> images) {
  const TensorDesc& desc = plan_.data().desc;
  const auto whole = static_cast<size_t>(element_count(desc.shape));
  if (images.size() > whole)
    fail(Code::invalid_argument, "the input holds ", images.size(), " numbers, the network takes ",
         whole, ": ", to_string(desc.shape));
  if (images.size() == whole) return images;
  input_.resize(whole);
  const auto rest = std::copy(images.begin(), images.end(), input_.begin());
  std::fill(rest, input_.end(), 0.f);
  return input_;
}

void Network::set_input(std::span<const float> images) {
  const Location& place = plan_.data();
  device_of(place).upload(whole_input(images).data(), place.desc, plan_.address(place));
}

size_t Network::set_finite_input(std::span<const float> images) {
  const Location& place = plan_.data();
  const std::span<const float> whole = whole_input(images);
  return std::min(images.size(),
                  device_of(place).upload_finite(whole, place.desc, plan_.address(place)));
}

void Network::synchronize() const {
  for (const auto& device : plan_.devices()) device->synchronize();
}

void Network::set_labels(std::span<const int32_t> labels) {
  check(plan_.labels().has_value(), Code::invalid_state,
        "this network was made without a loss and takes no labels");
  const Location& place = *plan_.labels();
  check(labels.size() <= labels_.size(), Code::invalid_argument, labels.size(),
        " labels for a batch of ", labels_.size());
  const auto wrong = std::find_if(labels.begin(), labels.end(),
                                  [&](int32_t label) { return label >= spec_.classes; });
  if (wrong != labels.end())
    fail(Code::invalid_argument, "image ", wrong - labels.begin(), " of the batch has label ",
         *wrong, ", but there are ", spec_.classes, " classes: labels must lie in 0..",
         spec_.classes - 1, ", or be -1 for none");
  std::copy(labels.begin(), labels.end(), labels_.begin());
  std::fill(labels_.begin() + static_cast<std::ptrdiff_t>(labels.size()), labels_.end(), -1);
  device_of(place).upload(labels_.data(), place.desc, plan_.address(place));
}

void Network::forward(const StepContext& step) {
  check(!weights_.empty() || params().empty(), Code::invalid_state,
        "the network has no weights yet: load them first");
  for (const auto& device : plan_.devices()) device->begin_pass(step);
  forward_.run(only_device(), [&] {
    for (const Action& action : plan_.forward()) action.kernel->forward();
  });
}

void Network::begin_backward(const StepContext& step) {
  check(options_.phase == Phase::training, Code::invalid_state,
        "a network made for inference has no backward pass");
  for (const auto& device : plan_.devices()) device->begin_pass(step);
}

const std::vector<size_t>& Network::run_backward(size_t part) {
  const Action& action = plan_.backward()[part];
  action.backward ? action.kernel->backward() : action.kernel->forward();
  return action.gradients;
}

const Location& Network::location(const std::string& output) const {
  if (output == loss_name && plan_.loss()) return *plan_.loss();
  const Node* node = spec_.find(output);
  const auto found = plan_.outputs().find(node ? node->name : output);
  check(found != plan_.outputs().end(), Code::not_found,
        spec_.find(output) ? "the session was made without the output '"
                           : "the network has no layer '",
        output, spec_.find(output) ? "': name it in the session's options" : "'");
  return found->second;
}

Shape Network::shape(const std::string& output) const { return location(output).desc.shape; }

void Network::read(const std::string& output, std::span<float> values) const {
  const Location& place = location(output);
  const auto count = static_cast<size_t>(element_count(place.desc.shape));
  check(values.size() == count, Code::invalid_argument, "'", output, "' has ", count,
        " elements, the buffer ", values.size());
  device_of(place).download(plan_.address(place), place.desc, values.data());
}

void Network::read_result(std::span<float> values) const {
  const Location& place = plan_.result();
  check(values.size() == static_cast<size_t>(element_count(place.desc.shape)), Code::internal,
        "the result is ", to_string(place.desc.shape), ", the buffer ", values.size());
  device_of(place).download(plan_.address(place), place.desc, values.data());
}

std::vector<float> Network::read(const std::string& output) const {
  std::vector<float> values(static_cast<size_t>(element_count(shape(output))));
  read(output, values);
  return values;
}

Backend& Network::device_of(size_t param) const {
  return *plan_.devices()[plan_.params()[param].device];
}

std::vector<float> Network::download(size_t param, const void* packed) const {
  const PlannedParam& planned = plan_.params()[param];
  std::vector<float> values(static_cast<size_t>(element_count(planned.spec.shape)));
  device_of(param).download(packed, planned.desc, values.data());
  return values;
}

std::vector<float> Network::read_param(size_t index) const {
  return download(index, weights_.at(index)->data());
}

std::vector<float> Network::read_gradient(size_t index) const {
  check(options_.keep_gradients, Code::invalid_state, "this network keeps no gradients");
  return download(index, gradient(index));
}

}  // namespace alx
