#include "train/replicas.h"

#include <algorithm>

#include "backends/collective.h"
#include "core/error.h"
#include "core/log.h"

namespace alx {
namespace {

UpdateRule rule_of(const Recipe& recipe) {
  return Sgd{recipe.momentum, recipe.decay, recipe.rate_in_velocity};
}

std::vector<std::string> states_of(const UpdateRule& rule) {
  return std::visit(
      [](const auto& r) {
        return std::vector<std::string>(std::begin(r.states), std::end(r.states));
      },
      rule);
}

// With the parameter's own share of the decay.
UpdateRule for_param(UpdateRule rule, const ParamRule& param) {
  std::visit([&](auto& r) { r.decay *= param.decay; }, rule);
  return rule;
}

}  // namespace

Replicas::Replicas(const NetSpec& spec, const std::vector<std::shared_ptr<Backend>>& devices,
                   NetworkOptions options, const Recipe& recipe)
    : rule_(rule_of(recipe)),
      states_(states_of(rule_)),
      scales_(options.precision == Precision::fp16) {
  const size_t slots = spec.slots();
  const size_t count = devices.size() <= slots ? 1 : devices.size() / slots;
  check(count == 1 || count * slots == devices.size(), Code::invalid_argument, devices.size(),
        " devices were given, but this network takes ", slots,
        ", or a multiple of that for data parallelism");
  check(options.batch % static_cast<int64_t>(count) == 0, Code::invalid_argument, "a batch of ",
        options.batch, " cannot be shared by ", count, " networks: it must be a multiple of that");
  options.batch /= static_cast<int64_t>(count);
  const bool copies = std::any_of(spec.nodes.begin(), spec.nodes.end(),
                                  [](const Node& node) { return node.part.has_value(); });
  // they are summed, or checked, first
  keeps_gradients_ = options.keep_gradients = count > 1 || copies || scales_;
  const size_t each = devices.size() / count;
  for (size_t i = 0; i < count; ++i) {
    const auto first = devices.begin() + static_cast<std::ptrdiff_t>(i * each);
    const std::vector<std::shared_ptr<Backend>> own(first,
                                                    first + static_cast<std::ptrdiff_t>(each));
    networks_.push_back(std::make_unique<Network>(spec, own, options));
  }
  for (const auto& network : networks_)
    for (size_t i = 0; i < network->params().size(); ++i)
      check(network->backward_parts() == this->network().backward_parts() &&
                network->params()[i].desc.same_memory(this->network().params()[i].desc),
            Code::unsupported, "data parallelism needs devices of one kind");
  for (size_t place = 0; count > 1 && place < each; ++place) {
    std::vector<Backend*> members;
    for (size_t i = 0; i < count; ++i) members.push_back(devices[i * each + place].get());
    collectives_.push_back(make_collective(members));
  }
  find_params();
  made_.reserve(network().params().size());
  if (scales_) loss_scale.factor = 65536;
}

void Replicas::find_params() {
  for (size_t i = 0; i < network().params().size(); ++i) {
    const ParamSpec whole = whole_of(network().params()[i].spec);
    const auto same = [&](const Whole& known) { return known.spec.name == whole.name; };
    auto found = std::find_if(params_.begin(), params_.end(), same);
    if (found == params_.end()) found = params_.insert(params_.end(), {whole, {}});
    found->pieces.push_back(i);
    whole_of_piece_.push_back(static_cast<size_t>(found - params_.begin()));
  }
  for (const Whole& param : params_) {
    if (copies_ || !is_copied(param)) continue;
    std::vector<Backend*> members;
    for (size_t piece : param.pieces) members.push_back(&network().device_of(piece));
    copies_ = make_collective(members);
  }
}

bool Replicas::is_copied(const Whole& param) const {
  return param.pieces.size() > 1 && network().params()[param.pieces[0]].spec.is_copy();
}

void Replicas::sum_gradients(size_t piece) {
  if (count() > 1) {
    std::vector<void*> gradients;
    for (const auto& network : networks_) gradients.push_back(network->gradient(piece));
    const PlannedParam& planned = network().params()[piece];
    collectives_[planned.device]->start(gradients, planned.desc);
  }
  const Whole& whole = params_[whole_of_piece_[piece]];
  const auto is_made = [&](size_t other) {
    return std::count(made_.begin(), made_.end(), other) > 0;
  };
  if (!is_copied(whole) || !std::all_of(whole.pieces.begin(), whole.pieces.end(), is_made)) return;
  std::vector<void*> gradients;
  for (size_t copy : whole.pieces) gradients.push_back(network().gradient(copy));
  copies_->start(gradients, network().params()[piece].desc);
}

void Replicas::load(const WeightSource& source) {
  gradients_.forget();
  updates_.forget();
  kept_.clear();
  for (const auto& network : networks_) {
    network->load(source);
    kept_.emplace_back(network->params().size());
    for (size_t i = 0; i < network->params().size(); ++i)
      for (size_t state = 0; state < states_.size(); ++state)
        kept_.back()[i][state] = network->device_of(i).allocate(network->params()[i].desc.bytes());
  }
}

StepContext Replicas::share_of(size_t replica, StepContext step) const {
  step.first_image = static_cast<int64_t>(replica) * network().batch();
  step.global_batch = batch();
  step.loss_scale = loss_scale.factor;
  return step;
}

void Replicas::forward(std::span<const float> images, std::span<const int32_t> labels,
                       const StepContext& step) {
  const size_t images_each = images.size() / count(), labels_each = labels.size() / count();
  for (size_t i = 0; i < count(); ++i) {
    networks_[i]->set_input(images.subspan(i * images_each, images_each));
    networks_[i]->set_labels(labels.subspan(i * labels_each, labels_each));
    networks_[i]->forward(share_of(i, step));
  }
}

void Replicas::forward(const StepContext& step) {
  for (size_t i = 0; i < count(); ++i) networks_[i]->forward(share_of(i, step));
}

template <class Read>
void Replicas::read_shares(std::span<float> values, Read read) const {
  const size_t each = values.size() / count();
  for (size_t i = 0; i < count(); ++i) read(*networks_[i], values.subspan(i * each, each));
}

void Replicas::read(const std::string& output, std::span<float> values) const {
  read_shares(values,
              [&](const Network& network, std::span<float> share) { network.read(output, share); });
}

void Replicas::read_probabilities(std::span<float> values) const {
  read_shares(values,
              [](const Network& network, std::span<float> share) { network.read_result(share); });
}

void Replicas::update(size_t replica, size_t i) {
  Network& network = *networks_[replica];
  const PlannedParam& param = network.params()[i];
  Update update{for_param(rule_, param.spec.rule),  network.weight(i),   {}, network.gradient(i),
                param.desc.bytes() / sizeof(float), param.spec.rule.rate};
  for (size_t state = 0; state < states_.size(); ++state)
    update.state[state] = static_cast<float*>(kept_[replica][i][state]->data());
  network.device_of(i).update(update);
}

// Of the first network: after the sum all have the same.
bool Replicas::gradients_are_finite() const {
  std::vector<std::pair<Backend*, std::vector<std::pair<const void*, size_t>>>> of_device;
  for (size_t i = 0; i < network().params().size(); ++i) {
    Backend* device = &network().device_of(i);
    auto found = std::find_if(of_device.begin(), of_device.end(),
                              [&](const auto& d) { return d.first == device; });
    if (found == of_device.end()) found = of_device.insert(of_device.end(), {device, {}});
    found->second.push_back(
        {network().gradient(i), network().params()[i].desc.bytes() / sizeof(float)});
  }
  return std::all_of(of_device.begin(), of_device.end(),
                     [](auto& d) { return d.first->all_finite(d.second); });
}

// Gradients that are not kept are used as soon as they are whole.
void Replicas::make_gradients() {
  made_.clear();
  for (size_t part = 0; part < network().backward_parts(); ++part) {
    const std::vector<size_t>* whole = nullptr;
    for (size_t i = 0; i < count(); ++i) whole = &networks_[i]->run_backward(part);
    for (size_t param : *whole) {
      made_.push_back(param);
      sum_gradients(made_.back());
      if (!keeps_gradients_) update(0, made_.back());
    }
  }
}

bool Replicas::backward(const StepContext& step) {
  for (size_t i = 0; i < count(); ++i) networks_[i]->begin_backward(share_of(i, step));
  Backend* alone = count() == 1 && !copies_ ? network().only_device() : nullptr;
  gradients_.run(alone, [&] { make_gradients(); });
  if (!keeps_gradients_) return true;
  for (const auto& collective : collectives_) collective->finish();
  if (copies_) copies_->finish();
  if (scales_ && !gradients_are_finite()) {
    loss_scale = {loss_scale.factor / 2, 0};
    log_line(LogLevel::info,
             cat("a gradient overflowed in fp16: the step is left out, the loss scale is ",
                 loss_scale.factor));
    return false;
  }
  updates_.run(alone, [&] {
    for (size_t i = 0; i < count(); ++i)
      for (size_t param : made_) update(i, param);
  });
  if (scales_ && ++loss_scale.good_steps == LossScale::patience)
    loss_scale = {loss_scale.factor * 2, 0};
  return true;
}

void Replicas::synchronize() const {
  for (const auto& network : networks_) network->synchronize();
}

std::vector<float> Replicas::read(const Whole& param,
                                  const std::function<std::vector<float>(size_t)>& piece) const {
  std::vector<float> values = piece(param.pieces[0]);
  for (size_t i = 1; i < param.pieces.size() && !is_copied(param); ++i) {
    const std::vector<float> part = piece(param.pieces[i]);
    values.insert(values.end(), part.begin(), part.end());
  }
  return values;
}

std::vector<float> Replicas::read_param(size_t param) const {
  return read(params_[param], [&](size_t piece) { return network().read_param(piece); });
}

std::vector<float> Replicas::read_state(size_t state, size_t param) const {
  return read(params_[param], [&](size_t piece) {
    return network().download(piece, kept_[0][piece][state]->data());
  });
}

void Replicas::write_state(size_t state, size_t param, std::span<const float> values) {
  const Whole& whole = params_[param];
  for (size_t i = 0; i < count(); ++i)
    for (size_t piece : whole.pieces) {
      const PlannedParam& planned = network().params()[piece];
      const auto row = values.size() / static_cast<size_t>(whole.spec.shape[0]);
      const int64_t first = planned.spec.part ? planned.spec.part->first : 0;
      networks_[i]->device_of(piece).upload_rows(
          values.subspan(static_cast<size_t>(first) * row,
                         static_cast<size_t>(planned.spec.shape[0]) * row),
          0, planned.desc, kept_[i][piece][state]->data());
    }
}

std::string devices_of_one(const NetSpec& spec, const std::string& devices) {
  size_t end = std::string::npos;
  const size_t slots = spec.slots();
  for (size_t slot = 0; slot < slots; ++slot) {
    end = devices.find(',', end + 1);
    if (end == std::string::npos) return devices;
  }
  return devices.substr(0, end);
}

}  // namespace alx
