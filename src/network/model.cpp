#include "network/model.h"

#include <algorithm>

#include "core/error.h"
#include "core/log.h"
#include "models/imagenet_labels.h"
#include "models/zoo.h"
#include "network/bundled.h"
#include "network/detect.h"
#include "network/named.h"
#include "weights/format.h"
#include "weights/model_id.h"
#include "weights/model_weights.h"

namespace alx {
namespace {

// The class count of a file is the first dimension of the weight that makes the logits.
int64_t classes_in(const WeightFile& file, const NetSpec& spec) {
  const Node* head = head_of(spec);
  const TensorView* weight = head ? file.find(head->name + ".weight") : nullptr;
  return weight && !weight->shape.empty() ? weight->shape[0] : spec.classes;
}

void check_recorded(const WeightFile& file, const NetSpec& spec) {
  const std::string recorded = file.metadata(key_model);
  if (recorded.empty()) return;
  const ModelId id = parse_model_id(recorded);
  check(id.name == spec.id, Code::invalid_argument, file.path(), " holds weights of ", id.name,
        ", not of ", spec.id);
  check(id.revision <= spec.revision, Code::unsupported, file.path(), " was made for ", spec.id,
        " revision ", id.revision, ", and this library knows revision ", spec.revision,
        ": use a newer libalexnet");
}

// `as`: a network's name, spec file or text; empty: what the file says of itself.
NetSpec spec_of(const WeightFile& file, const std::string& as) {
  const std::string json = file.metadata(key_input), own = file.metadata(key_network);
  std::optional<InputSpec> input;
  if (!json.empty()) input = input_from_json(json, file.limits());
  if (as.empty() && !own.empty()) {
    check(input.has_value(), Code::bad_file, file.path(), ": it has ", key_network, ", but no ",
          key_input);
    const NetSpec spec =
        network_in_metadata(own, *input, cat(file.path(), ": ", key_network), file.limits());
    check_recorded(file, spec);
    return spec;
  }
  // what a file says is a name, never another file
  const NetSpec plain =
      as.empty() ? make_model(guess_model(file)) : network_named(as, {}, file.limits());
  check_recorded(file, plain);
  ModelOptions options{.classes = classes_in(file, plain)};
  if (input) options.height = input->height, options.width = input->width;
  try {
    NetSpec spec = fitted(plain, options);
    if (input) spec.input = *input;
    return spec;
  } catch (const Error& error) {  // what the file asks for is the file's fault
    fail(Code::bad_file, file.path(), ": ", error.what());
  }
}

std::vector<std::string> labels_of(const NetSpec& spec) {
  return spec.labels.empty() ? default_labels(spec.classes) : spec.labels;
}

std::vector<std::string> labels_of(const WeightFile& file, const NetSpec& spec) {
  const std::string json = file.metadata(key_labels);
  if (json.empty()) return labels_of(spec);
  std::vector<std::string> labels = labels_from_json(json, file.limits());
  check(static_cast<int64_t>(labels.size()) == spec.classes, Code::bad_file, file.path(),
        ": alexnet.labels has ", labels.size(), " names, the last layer has ", spec.classes,
        " classes");
  return labels;
}

}  // namespace

MeanImage mean_image_of(const WeightFile& file, const InputSpec& input) {
  if (input.mean_image.empty()) return {};
  const TensorView* tensor = file.find(input.mean_image);
  const bool fits = tensor && tensor->shape.size() == 3 && tensor->shape[0] == 3 &&
                    tensor->shape[1] == tensor->shape[2];
  check(fits, Code::bad_file, file.path(), ": alexnet.input names the mean image '",
        input.mean_image, "', which ",
        tensor ? cat("has the shape ", to_string(tensor->shape), " and not (3, size, size)")
               : std::string("is not in the file"));
  MeanImage mean{tensor->shape[1],
                 std::vector<float>(static_cast<size_t>(element_count(tensor->shape)))};
  file.read(*tensor, mean.values);
  return mean;
}

std::shared_ptr<const Model> Model::open(const std::string& file_or_name, const std::string& as,
                                         const Limits& limits) {
  return open(WeightFile::open(weights_named(file_or_name), limits), as);
}

std::shared_ptr<const Model> Model::open_file(const std::string& path, const std::string& as,
                                              const Limits& limits) {
  return open(WeightFile::open(path, limits), as);
}

std::shared_ptr<const Model> Model::open(std::vector<std::byte> file, const std::string& as,
                                         const Limits& limits) {
  return open(WeightFile::open(std::move(file), "the weights in memory", limits), as);
}

std::shared_ptr<const Model> Model::open(WeightFile opened, const std::string& as) {
  std::shared_ptr<Model> model(new Model);
  model->file_ = std::move(opened);
  const WeightFile& file = *model->file_;
  model->spec_ = spec_of(file, as);
  model->source_ = weights_from(file);
  check_against(file, params_of(model->spec_), model->spec_.id);
  model->labels_ = labels_of(file, model->spec_);
  model->preprocessor_ =
      std::make_unique<Preprocessor>(model->spec_.input, mean_image_of(file, model->spec_.input));
  log_line(LogLevel::info, cat("opened ", file.path(), ": ", model->spec_.id, ", ",
                               model->spec_.classes, " classes"));
  return model;
}

std::shared_ptr<const Model> Model::of(const NetSpec& spec, WeightSource source,
                                       std::vector<std::string> labels, MeanImage mean) {
  std::shared_ptr<Model> model(new Model);
  model->spec_ = spec;
  model->labels_ = labels.empty() ? labels_of(spec) : std::move(labels);
  model->preprocessor_ = std::make_unique<Preprocessor>(spec.input, std::move(mean));
  model->source_ = std::move(source);
  return model;
}

std::string Model::description() const { return file_ ? file_->path() : spec_.id; }

WeightSource weights_from(const WeightFile& file) {
  return [&file](const ParamSpec& param, int64_t rows, const PartSink& sink) {
    const TensorView* tensor = file.find(param.name);
    check(tensor != nullptr, Code::bad_file, file.path(), " has no tensor '", param.name, "'");
    const auto row = static_cast<size_t>(element_count(param.shape) / param.shape[0]);
    file.read_parts(*tensor, static_cast<size_t>(rows) * row,
                    [&](size_t first, std::span<const float> elements) {
                      refuse_non_finite(elements, param.name, file.path());
                      sink(static_cast<int64_t>(first / row), elements);
                    });
  };
}

WeightSource weights_from(std::shared_ptr<const DenseWeights> weights) {
  return [weights = std::move(weights)](const ParamSpec& param, int64_t rows,
                                        const PartSink& sink) {
    const std::span<const float> values = weights->at(param.name);
    const size_t part =
        values.size() / static_cast<size_t>(param.shape[0]) * static_cast<size_t>(rows);
    for (size_t first = 0, row = 0; first < values.size();
         first += part, row += static_cast<size_t>(rows))
      sink(static_cast<int64_t>(row), values.subspan(first, std::min(part, values.size() - first)));
  };
}

void Model::load(Network& network) const { network.load(source_, &shared_); }

std::vector<std::string> default_labels(int64_t classes) {
  std::vector<std::string> labels;
  for (int64_t i = 0; i < classes; ++i)
    labels.push_back(classes == 1000 ? imagenet_classes()[static_cast<size_t>(i)].label
                                     : cat("class ", i));
  return labels;
}

}  // namespace alx
