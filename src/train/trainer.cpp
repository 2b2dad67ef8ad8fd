#include "train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "backends/registry.h"
#include "core/error.h"
#include "core/log.h"
#include "graph/bounds.h"
#include "network/bundled.h"
#include "train/hybrid.h"
#include "train/initial_weights.h"
#include "train/training_data.h"

namespace alx {
namespace {

NetSpec without_dropout(NetSpec spec) {
  for (Node& node : spec.nodes) stop_dropping(node.op);
  return spec;
}

bool means(const std::string& layer, const std::string& node) {
  if (layer.ends_with('*')) return node.starts_with(layer.substr(0, layer.size() - 1));
  return node == layer || node == layer + "a" || node == layer + "b";
}

NetSpec with_layer_rates(NetSpec spec, const std::map<std::string, float>& rates) {
  for (const auto& [layer, factor] : rates) {
    check_bound(bounds::layer_rate, factor, cat("the rate factor of ", layer).c_str());
    std::string known;
    bool found = false;
    for (Node& node : spec.nodes) {
      const std::vector<ParamRule*> rules = param_rules(node.op);
      if (rules.empty()) continue;
      known += (known.empty() ? "" : ", ") + node.name;
      if (!means(layer, node.name)) continue;
      found = true;
      for (ParamRule* rule : rules) rule->rate *= factor;
    }
    check(found, Code::not_found, "no layer with weights is called '", layer, "'; there are ",
          known);
  }
  return spec;
}

// What a new run alone may be asked for.
void check_start(const TrainOptions& options) {
  if (options.validation_share != 0)
    check_bound(bounds::validation_share, options.validation_share);
  check(options.validation_share == 0 || !options.validation, Code::invalid_argument,
        "a run is measured by a set, or by a share of its pictures: both are given");
  check(!options.freeze || !options.init.empty(), Code::invalid_argument,
        "all but the last layer shall be frozen, but there are no weights to start from, and drawn "
        "ones know nothing");
}

// Nothing is varied.
void still(Augment& augment) {
  augment = {.random_crop = false, .flip = false, .shared = augment.shared};
}

}  // namespace

// Before anything is read or made.
void Trainer::check_options(const TrainOptions& options, const NetSpec& spec, const Dataset& data) {
  const Recipe& r = options.recipe;
  check(data.size() > 0, Code::invalid_argument, "the data has no pictures");
  (void)labels_to_json(data.classes());  // refuses what no weight file could hold
  check(r.batch >= 1 && r.batch <= data.size(), Code::invalid_argument, "the batch must lie in 1..",
        data.size(), " (the images of the data), got ", r.batch);
  check_bound(bounds::batch, r.batch);
  check_bound(bounds::epochs, r.epochs);
  check_bound(bounds::rate, r.rate);
  check_bound(bounds::momentum, r.momentum);
  check_bound(bounds::decay, r.decay);
  check_bound(bounds::label_smoothing, options.label_smoothing);
  check_bound(bounds::pad, options.augment.pad);
  check_bound(bounds::colour_noise, options.augment.colour_noise);
  check_bound(bounds::threads, options.threads);
  check_bound(bounds::data_threads, options.data_threads);
  check(!options.freeze || !options.hybrid, Code::unsupported,
        "hybrid parallelism is for all layers, and all but the last are frozen");
  check(static_cast<int64_t>(data.classes().size()) == spec.classes, Code::invalid_argument,
        "the data has ", data.classes().size(), " classes, the network ", spec.classes,
        ": make the network for the data's classes");
  if (!options.validation) return;
  // Now, so that neither shows after the first epoch only.
  check(options.validation->size() > 0, Code::invalid_argument,
        "the validation data has no pictures");
  match_classes(options.validation->classes(), data.classes(), "the training data");
}

Trainer::Trainer(const NetSpec& spec, std::shared_ptr<const Dataset> data, TrainOptions options) {
  check_start(options);
  data = training_part(std::move(data), options);
  if (options.freeze) still(options.augment);
  std::optional<WeightFile> file;
  if (!options.init.empty()) file = WeightFile::open(weights_named(options.init), options.limits);
  const WeightSource weights =
      file ? weights_to_start_from(*file, spec, *data, options) : random_weights(options.seed);
  check_options(options, spec, *data);
  NetSpec prepared = spec;
  MeanImage mean;
  if (file && options.recipe.mean == Recipe::Mean::fixed)
    mean = take_input_of(*file, prepared.input);
  measure_data(prepared, mean, *data, options);
  start(prepared, std::move(mean), std::move(data), options, weights);
}

// What the recipe takes from the training set: its mean, into the spec's input, and its colour
// components.
void Trainer::measure_data(NetSpec& spec, MeanImage& mean, const Dataset& data,
                           const TrainOptions& options) {
  using Mean = Recipe::Mean;
  const Mean wanted = options.recipe.mean;
  if (wanted == Mean::fixed && options.augment.colour_noise == 0) return;
  SetStatistics set =
      measure_set(data, spec.input, wanted == Mean::image, options.data_threads + 1);
  log_line(LogLevel::info, cat("measured ", set.pictures, " pictures: mean colour ", set.mean[0],
                               " ", set.mean[1], " ", set.mean[2],
                               ", deviations of the colour components ", set.colours.deviations[0],
                               " ", set.colours.deviations[1], " ", set.colours.deviations[2]));
  if (options.augment.colour_noise > 0) colours_ = set.colours;
  InputSpec& input = spec.input;
  if (wanted == Mean::colour) {
    input.mean_image.clear();
    for (size_t c = 0; c < 3; ++c)
      input.mean[c] = static_cast<float>(set.mean[input.channel_order == "BGR" ? 2 - c : c] / 255) *
                      input.scale;
  } else if (wanted == Mean::image) {
    input.mean_image = "mean_image";
    mean = std::move(set.mean_image);
  }
}

std::unique_ptr<Replicas> Trainer::plan(const NetSpec& spec, const TrainOptions& options,
                                        const std::vector<float>& class_weights) {
  NetworkOptions wanted;
  wanted.batch = options.recipe.batch;
  wanted.phase = Phase::training;
  wanted.precision = options.precision;
  wanted.label_smoothing = options.label_smoothing;
  wanted.class_weights = class_weights;
  const auto devices =
      open_devices(options.freeze ? device_of_head(options.devices) : options.devices,
                   options.threads, options.host);
  NetSpec own =
      with_layer_rates(options.freeze ? cut_at_head(spec).head : spec, options.layer_rates);
  if (!options.dropout) own = without_dropout(std::move(own));
  return std::make_unique<Replicas>(options.hybrid ? hybrid(own, devices.size()) : own, devices,
                                    wanted, options.recipe);
}

void Trainer::start(const NetSpec& spec, MeanImage mean, std::shared_ptr<const Dataset> data,
                    const TrainOptions& options, const WeightSource& weights) {
  spec_ = spec;
  options_ = options;
  data_ = std::move(data);
  schedule_.emplace(options.recipe.schedule);
  preprocessor_ = std::make_shared<const Preprocessor>(spec.input, std::move(mean));
  if (options.balance_classes) class_weights_ = balanced_weights(*data_);
  if (options.freeze)
    frozen_ = std::make_unique<FrozenPart>(spec_, options, weights, data_, preprocessor_);
  replicas_ = plan(spec_, options, class_weights_);
  replicas_->load(weights);
  rate_watch_.emplace(spec.classes);
  losses_.resize(static_cast<size_t>(replicas_->batch()));
  probabilities_.resize(static_cast<size_t>(replicas_->batch() * spec.classes));
  if (options.tells) tell_of_data(*data_, options);
  if (frozen_)
    log_line(
        LogLevel::info,
        "all layers but the last are frozen: pictures are not varied (no random crop, no flip, "
        "no colour noise), and these layers see each once, without dropout");
  log_line(LogLevel::info, cat("training ", spec.id, " on ", data_->size(), " pictures of ",
                               spec.classes, " classes: ", options.recipe.epochs, " epochs of ",
                               steps_per_epoch(), " steps, batch ", options.recipe.batch, ", rate ",
                               options.recipe.rate, ", ", options.devices));
}

int64_t Trainer::steps_per_epoch() const { return data_->size() / options_.recipe.batch; }
int64_t Trainer::total_steps() const { return steps_per_epoch() * options_.recipe.epochs; }
bool Trainer::done() const { return step_ >= total_steps(); }
int64_t Trainer::broken() const {
  return broken_ + (frozen_ ? frozen_->broken() : pipeline_ ? pipeline_->broken() : 0);
}

void Trainer::prepare(const EvaluateOptions& watch) {
  if (frozen_) frozen_->prepare(watch);
}

std::vector<Trainer::StoredParam> Trainer::learned_params() const {
  std::vector<StoredParam> params;
  for (size_t i = 0; i < replicas_->params().size(); ++i)
    params.push_back({replicas_->params()[i].spec, [this, i] { return replicas_->read_param(i); }});
  return params;
}

std::vector<Trainer::StoredParam> Trainer::all_params() const {
  std::vector<StoredParam> params;
  if (frozen_)
    for (const ParamSpec& param : frozen_->params())
      params.push_back({param, [this, param] { return frozen_->weights_of(param); }});
  std::ranges::copy(learned_params(), std::back_inserter(params));
  return params;
}

WeightSource Trainer::weights_of(const std::vector<StoredParam>& params) {
  auto weights = std::make_shared<DenseWeights>();
  for (const auto& [param, read] : params) (*weights)[param.name] = read();
  return weights_from(std::move(weights));
}

void Trainer::start_pipeline() {
  PipelineOptions pipeline;
  pipeline.batch = options_.recipe.batch;
  pipeline.seed = options_.seed;
  pipeline.augment = options_.augment;
  if (colours_) pipeline.colours = *colours_;
  pipeline.threads = options_.data_threads;
  pipeline.loop = loop_of(options_.host, options_.threads);
  // large batches come slowly, so that two ready ones are enough
  constexpr int64_t queue_bytes = 16 << 20;
  pipeline.queue =
      static_cast<int>(std::clamp<int64_t>(queue_bytes / (element_count(network().input_shape()) *
                                                          static_cast<int64_t>(replicas_->count())),
                                           2, 4));
  pipeline.start_epoch = step_ / steps_per_epoch();
  pipeline.start_position = step_ % steps_per_epoch() * options_.recipe.batch;
  pipeline.on_broken = [](const std::string& name, const std::string& why) {
    log_line(LogLevel::warning, cat(name, " is skipped: ", why));
  };
  pipeline_ = std::make_unique<DataPipeline>(data_, preprocessor_, pipeline);
  waited_ = 0;
}

// Before the first step of an epoch, so that a run that stopped at its end judges it too.
void Trainer::judge_epoch() {
  if (!schedule_->is_plateau() || step_ == plateau_.judged_step || step_ % steps_per_epoch() != 0)
    return;
  const double measure =
      options_.validation ? 1 - validate().top1
                          : plateau_.loss_sum / static_cast<double>(step_ - plateau_.judged_step);
  const double before = plateau_.factor;
  plateau_.judge(measure, *schedule_);
  plateau_.judged_step = step_;
  plateau_.loss_sum = 0;
  if (plateau_.factor < before)
    log_line(LogLevel::info, cat("no progress since ", schedule_->patience(),
                                 " epochs: the rate is ", options_.recipe.rate * plateau_.factor));
}

const Evaluation& Trainer::validate(const EvaluateOptions& options) {
  check(options_.validation != nullptr, Code::invalid_state,
        "the trainer was made without validation data");
  if (validated_step_ != step_) {
    if (frozen_) {
      frozen_->prepare(options);
      validated_ = frozen_->evaluate(weights_of(learned_params()));
    } else {
      validated_ = evaluate(*options_.validation, options);
    }
    validated_step_ = step_;
  }
  return *validated_;
}

StepResult Trainer::step() {
  try {
    return make_step();
  } catch (...) {
    // The batch that was taken would be missed, so the next pipeline starts with it.
    broken_ = broken();
    pipeline_.reset();
    throw;
  }
}

void Trainer::next_batch() {
  if (frozen_) {
    frozen_->prepare({});
    return frozen_->next(step_, batch_);
  }
  if (!pipeline_) start_pipeline();
  pipeline_->next(batch_);
}

double Trainer::divisor_of_loss() const {
  if (class_weights_.empty()) return static_cast<double>(losses_.size());
  double sum = 0;
  for (const int32_t label : batch_.labels) sum += class_weights_[static_cast<size_t>(label)];
  return sum;
}

// What the forward pass gives.
void Trainer::measure(StepResult& result) {
  replicas_->read("loss", losses_);
  replicas_->read_probabilities(probabilities_);
  const size_t classes = static_cast<size_t>(spec_.classes), rows = losses_.size();
  const double divisor = divisor_of_loss();
  size_t right = 0;
  for (size_t i = 0; i < rows; ++i) {
    result.loss += losses_[i] / divisor;
    const auto row = probabilities_.begin() + static_cast<std::ptrdiff_t>(i * classes);
    right +=
        std::max_element(row, row + static_cast<std::ptrdiff_t>(classes)) - row == batch_.labels[i];
  }
  result.accuracy = static_cast<double>(right) / static_cast<double>(rows);
}

void Trainer::refuse_divergence(const StepResult& result) const {
  if (std::isfinite(result.loss)) return;
  const bool early = step_ < RateWatch::steps;
  fail(Code::invalid_state, "the loss is no number any more at step ", step_ + 1,
       " (learning rate ", result.rate, "): the run has diverged; start again with a lower rate, ",
       early ? cat("such as a tenth of it, ", options_.recipe.rate / 10)
             : std::string("or from an earlier checkpoint"));
}

StepResult Trainer::make_step() {
  const auto begin = std::chrono::steady_clock::now();
  judge_epoch();
  next_batch();
  StepResult result;
  const double epoch = static_cast<double>(step_) / static_cast<double>(steps_per_epoch());
  result.rate =
      schedule_->rate(options_.recipe.rate, epoch, static_cast<double>(options_.recipe.epochs)) *
      plateau_.factor;
  const StepContext context{
      .seed = options_.seed,
      .step = static_cast<uint64_t>(step_),
      .loss_divisor = class_weights_.empty() ? 0 : static_cast<float>(divisor_of_loss()),
      .rate = static_cast<float>(result.rate)};
  replicas_->forward(batch_.images, batch_.labels, context);
  measure(result);
  refuse_divergence(result);
  replicas_->backward(context);
  plateau_.loss_sum += result.loss;
  result.step = ++step_;
  result.epoch = static_cast<double>(step_) / static_cast<double>(steps_per_epoch());
  if (rate_watch_->runs_away(step_, result.loss))
    log_line(LogLevel::warning,
             cat("the loss runs away: ", result.loss, " at step ", step_, ", ",
                 rate_watch_->first(), " at the first; the learning rate, ", options_.recipe.rate,
                 ", is too high: try a tenth of it, ", options_.recipe.rate / 10));
  if (pipeline_) {
    result.waited = pipeline_->seconds_waited() - waited_;
    waited_ = pipeline_->seconds_waited();
  }
  result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return result;
}

double Trainer::timed_step() {
  const StepResult result = step();
  const auto returned = std::chrono::steady_clock::now();
  replicas_->synchronize();
  return result.seconds - result.waited +
         std::chrono::duration<double>(std::chrono::steady_clock::now() - returned).count();
}

std::shared_ptr<const Model> Trainer::model() const {
  return Model::of(spec_, weights_of(all_params()), data_->classes(), preprocessor_->mean_image());
}

Evaluation Trainer::evaluate(const Dataset& data, const EvaluateOptions& options) {
  SessionOptions wanted;
  wanted.devices = devices_of_one(spec_, options_.devices);
  wanted.threads = options_.threads;
  wanted.host = options_.host;
  wanted.batch = std::min<int64_t>(options_.recipe.batch, 128);
  Session session(model(), wanted);
  return alx::evaluate({&session}, data, options);
}

}  // namespace alx
