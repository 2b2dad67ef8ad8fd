// What a trainer writes and reads: weight files and checkpoints.
#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "core/log.h"
#include "core/number.h"
#include "core/random.h"
#include "network/model_file.h"
#include "train/fingerprint.h"
#include "train/frozen.h"
#include "train/solver.h"
#include "train/trainer.h"
#include "weights/format.h"
#include "weights/json.h"
#include "weights/model_weights.h"

namespace alx {
namespace {

using nlohmann::json;

std::string state_prefix(const std::string& state) { return optimizer_prefix + state + "."; }

std::string to_json(const ColourComponents& colours) {
  Document document{json::object()};
  document.json["channel_order"] = "RGB";
  document.json["deviations"] = colours.deviations;
  document.json["components"] = colours.components;
  return document.json.dump();
}

std::optional<ColourComponents> colours_of(const WeightFile& file) {
  const std::string text = file.metadata(key_pca);
  if (text.empty()) return std::nullopt;
  try {
    const Document document{parse_json(text, cat(file.path(), ": ", key_pca), file.limits())};
    ColourComponents colours;
    document.json.at("deviations").get_to(colours.deviations);
    document.json.at("components").get_to(colours.components);
    return colours;
  } catch (const json::exception& error) {
    fail(Code::bad_file, file.path(), ": ", key_pca, " is damaged: ", error.what());
  }
}

void warn_of_other_pictures(const WeightFile& file, const Dataset& data) {
  const std::string text = file.metadata(key_pictures);
  if (text.empty()) return;  // of an older version
  try {
    const Document document{parse_json(text, cat(file.path(), ": ", key_pictures), file.limits())};
    const std::string difference = difference_from(document.json, data);
    if (!difference.empty())
      log_line(LogLevel::warning,
               cat("the data are not those that ", file.path(), " was trained on: ", difference,
                   "; the run goes on with what is there now"));
  } catch (const json::exception& error) {
    fail(Code::bad_file, file.path(), ": ", key_pictures, " is damaged: ", error.what());
  }
}

// Short, and different where layouts, implementations or the thread count differ.
std::string plan_of(const Network& network, int threads) {
  return cat(hex(hash_name(network.describe())), "/", threads);
}

// One picture of the data, as a file holds it: what a self-test recomputes.
std::vector<float> self_test_picture(const Dataset& data, const Preprocessor& preprocessor) {
  const InputSpec& input = preprocessor.input();
  std::vector<float> values(static_cast<size_t>(3 * input.height * input.width));
  for (int64_t i = 0; i < data.size(); ++i) {
    try {
      preprocessor.center(preprocessor.prepare(data.image(i)), values);
      break;
    } catch (const Error&) {
      continue;  // a broken picture; were all broken, training would have said so
    }
  }
  return rounded(std::move(values), DataType::f16);
}

}  // namespace

// Of every file that a trainer writes.
std::map<std::string, std::string> Trainer::metadata() const {
  std::map<std::string, std::string> metadata = metadata_of(spec_, data_->classes());
  if (colours_) metadata[key_pca] = to_json(*colours_);
  return metadata;
}

std::optional<CheckpointState> read_checkpoint_state(const std::string& path) try {
  const std::string text = WeightFile::open(path).metadata(key_solver);
  if (text.empty()) return std::nullopt;
  const Document document{parse_json(text, key_solver)};
  const json& solver = document.json;
  const int64_t images = solver.at("images"), batch = solver.at("batch"),
                epochs = solver.at("epochs");
  return CheckpointState{solver.at("step"), images / std::max<int64_t>(batch, 1) * epochs};
} catch (const json::exception&) {
  return std::nullopt;
} catch (const Error&) {
  return std::nullopt;
}

void Trainer::set_best(const BestEpoch& best) {
  best_ = best;
  if (best_.step > 0 && best_.pictures.empty())
    best_.pictures = fingerprint_of(*options_.validation, options_.seed);
}

void Trainer::hold(const std::string& path) {
  if (auto taken = lock(path)) hold(std::move(*taken));
}

void Trainer::release(const std::string& path) {
  std::erase_if(held_, [&](const OutputLock& lock) { return lock.covers(path); });
}

std::optional<OutputLock> Trainer::lock(const std::string& path) const {
  if (std::any_of(held_.begin(), held_.end(),
                  [&](const OutputLock& lock) { return lock.covers(path); }))
    return std::nullopt;
  return OutputLock(path);
}

void Trainer::save_weights(const std::string& path, DataType stored) const {
  const std::optional<OutputLock> lock = this->lock(path);
  auto weights = std::make_shared<DenseWeights>();
  std::vector<TensorToWrite> tensors;
  for (const auto& [param, read] : all_params()) {
    std::vector<float>& values = (*weights)[param.name] = rounded(read(), stored);
    tensors.push_back(make_tensor(param.name, param.shape, values, stored));
  }
  SessionOptions wanted;
  wanted.devices = devices_of_one(spec_, options_.devices);
  wanted.threads = options_.threads;
  Session session(
      Model::of(spec_, weights_from(weights), data_->classes(), preprocessor_->mean_image()),
      wanted);
  std::vector<float> picture = self_test_picture(*data_, *preprocessor_), answer;
  try {
    answer = session.run(picture);
  } catch (const Error& error) {
    check(error.code() != Code::bad_file, Code::invalid_state,
          "the weights have diverged: their answer is no number, and nothing was written");
    throw;
  }
  tensors.push_back(make_tensor(self_test_input, session.network().input_shape(),
                                std::move(picture), DataType::f16));
  tensors.push_back(make_tensor(self_test_output, {1, spec_.classes}, std::move(answer)));
  add_mean_image(*preprocessor_, tensors);
  write_safetensors(path, std::move(tensors), metadata());
  log_line(LogLevel::info, cat("weights after step ", step_, ": ", path));
}

void Trainer::save_checkpoint(const std::string& path) const {
  const std::optional<OutputLock> lock = this->lock(path);
  std::vector<TensorToWrite> tensors;
  const auto add = [&](const std::string& name, const Shape& shape,
                       std::function<std::vector<float>()> read) {
    tensors.push_back(
        {name, DataType::f32, shape, [read = std::move(read)](std::span<std::byte> out) {
           const std::vector<float> values = read();
           from_float(DataType::f32, values.data(), out.data(), values.size());
         }});
  };
  for (const auto& [param, read] : all_params()) add(param.name, param.shape, read);
  for (size_t state = 0; state < replicas_->states().size(); ++state)
    for (size_t i = 0; i < replicas_->params().size(); ++i) {
      const ParamSpec& param = replicas_->params()[i].spec;
      add(state_prefix(replicas_->states()[state]) + param.name, param.shape,
          [this, state, i] { return replicas_->read_state(state, i); });
    }
  add_mean_image(*preprocessor_, tensors);
  auto metadata = this->metadata();
  if (pictures_.empty()) pictures_ = fingerprint_of(*data_, options_.seed);
  metadata[key_pictures] = pictures_;
  const Standing at{step_, plan_of(network(), options_.threads), replicas_->loss_scale, plateau_,
                    best_};
  metadata[key_solver] = to_json(options_, at, *data_, schedule_->is_plateau());
  write_safetensors(path, std::move(tensors), std::move(metadata));
  log_line(LogLevel::info, cat("checkpoint after step ", step_, ": ", path));
}

void Trainer::read_states(const WeightFile& file) {
  for (size_t state = 0; state < replicas_->states().size(); ++state)
    for (size_t i = 0; i < replicas_->params().size(); ++i) {
      const ParamSpec& param = replicas_->params()[i].spec;
      const std::string name = state_prefix(replicas_->states()[state]) + param.name;
      const TensorView* tensor = file.find(name);
      check(tensor && tensor->shape == param.shape, Code::bad_file, file.path(),
            ": the checkpoint lacks ", name, " of shape ", to_string(param.shape));
      std::vector<float> values(static_cast<size_t>(element_count(tensor->shape)));
      file.read(*tensor, values);
      refuse_non_finite(values, tensor->name, file.path());
      replicas_->write_state(state, i, values);
    }
}

std::unique_ptr<Trainer> Trainer::resume(const std::string& checkpoint,
                                         std::shared_ptr<const Dataset> data,
                                         TrainOptions options) {
  const auto model = Model::open_file(checkpoint, "", options.limits);
  check(model->labels() == data->classes(), Code::invalid_argument, checkpoint,
        " was trained on other classes (", model->labels().size(), ", the first '",
        model->labels().front(), "') than the data has (", data->classes().size(), ", the first '",
        data->classes().front(), "'): resume with the same data");
  const Standing at = read_solver(*model->file(), options, data);
  warn_of_other_pictures(*model->file(), *data);
  std::unique_ptr<Trainer> trainer(new Trainer);
  check_options(options, model->spec(), *data);
  trainer->colours_ = colours_of(*model->file());
  check(trainer->colours_ || options.augment.colour_noise == 0, Code::bad_file, checkpoint,
        ": the checkpoint has colour noise, but no ", key_pca);
  trainer->start(model->spec(), model->preprocessor().mean_image(), std::move(data), options,
                 weights_from(*model->file()));
  trainer->read_states(*model->file());
  trainer->step_ = at.step;
  trainer->plateau_ = at.plateau;
  trainer->best_ = at.best;
  trainer->replicas_->loss_scale = at.scale;
  check(at.step <= trainer->total_steps(), Code::invalid_argument, checkpoint, " has made ",
        at.step, " steps, more than the ", trainer->total_steps(), " of ", options.recipe.epochs,
        " epochs: ask for more epochs");
  if (const std::string now = plan_of(trainer->network(), options.threads); now != at.plan)
    log_line(LogLevel::warning,
             cat(checkpoint, " was written with another plan or thread count (", at.plan, ", here ",
                 now, "): the run goes on within rounding, not bit for bit"));
  return trainer;
}

}  // namespace alx
