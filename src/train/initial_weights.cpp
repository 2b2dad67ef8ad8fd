#include "train/initial_weights.h"

#include <algorithm>

#include "core/error.h"
#include "core/log.h"
#include "network/evaluate.h"
#include "weights/format.h"
#include "weights/model_weights.h"

namespace alx {
namespace {

// For each class of the data its row in the file's last layer, empty where it is drawn; and how
// that came, in words.
struct Head {
  std::vector<std::optional<int64_t>> rows;
  std::string why;
};

Head match_head(const WeightFile& file, const Dataset& data, const TrainOptions& options,
                int64_t file_classes) {
  const std::vector<std::string>& classes = data.classes();
  Head head{std::vector<std::optional<int64_t>>(classes.size()), {}};
  const std::string names = file.metadata(key_labels);
  if (options.new_head) {
    head.why = "as asked";
  } else if (names.empty()) {
    const bool fits = file_classes == static_cast<int64_t>(classes.size());
    for (size_t i = 0; fits && i < classes.size(); ++i) head.rows[i] = static_cast<int64_t>(i);
    head.why = fits ? "the file names no classes, and their number fits"
                    : "the file has another number of classes";
  } else {
    const ClassNames known(labels_from_json(names, file.limits()));
    for (size_t i = 0; i < classes.size(); ++i) head.rows[i] = known.find(classes[i]);
    head.why = "by the names of classes";
  }
  return head;
}

void tell(const WeightFile& file, const Head& head) {
  const auto kept = head.rows.size() -
                    static_cast<size_t>(std::ranges::count(head.rows, std::optional<int64_t>()));
  log_line(LogLevel::info, cat("the last layer of ", file.path(), ": ", kept, " of ",
                               head.rows.size(), " classes keep their weights, ",
                               head.rows.size() - kept, " are drawn anew (", head.why, ")"));
}

// A parameter of the last layer: rows of the file's where the head names one, else drawn.
std::vector<float> merged(const WeightFile& file, const ParamSpec& param, const Head& head,
                          const WeightSource& draw) {
  std::vector<float> values;
  draw(param, param.shape[0],
       [&](int64_t, std::span<const float> rows) { values.assign(rows.begin(), rows.end()); });
  const TensorView& tensor = *file.find(param.name);
  std::vector<float> old(static_cast<size_t>(element_count(tensor.shape)));
  file.read(tensor, old);
  refuse_non_finite(old, param.name, file.path());
  const int64_t width = element_count(param.shape) / param.shape[0];
  for (size_t i = 0; i < head.rows.size(); ++i)
    if (head.rows[i])
      std::copy_n(old.begin() + *head.rows[i] * width, width,
                  values.begin() + static_cast<std::ptrdiff_t>(i) * width);
  return values;
}

}  // namespace

WeightSource weights_to_start_from(const WeightFile& file, const NetSpec& spec, const Dataset& data,
                                   const TrainOptions& options) {
  const Node* found = head_of(spec);
  const std::string last = found ? found->name : spec.logits;
  std::vector<ParamSpec> wanted = params_of(spec);
  const TensorView* weight = file.find(last + ".weight");
  const int64_t file_classes = weight && !weight->shape.empty() ? weight->shape[0] : spec.classes;
  for (ParamSpec& param : wanted)
    if (param.node == last) param.shape[0] = file_classes;
  check_against(file, wanted, spec.id);
  Head head = match_head(file, data, options, file_classes);
  check(std::ranges::all_of(head.rows, [&](const auto& row) { return row < file_classes; }),
        Code::bad_file, file.path(),
        ": alexnet.labels has more names than the last layer has classes, ", file_classes);
  tell(file, head);
  const WeightSource from_file = weights_from(file), draw = random_weights(options.seed);
  return [=, &file](const ParamSpec& param, int64_t rows, const PartSink& sink) {
    if (param.node != last) return from_file(param, rows, sink);
    auto whole = std::make_shared<DenseWeights>();
    (*whole)[param.name] = merged(file, param, head, draw);
    weights_from(std::move(whole))(param, rows, sink);
  };
}

MeanImage take_input_of(const WeightFile& file, InputSpec& input) {
  const std::string json = file.metadata(key_input);
  if (json.empty()) return {};
  const InputSpec theirs = input_from_json(json, file.limits());
  input.channel_order = theirs.channel_order;
  input.scale = theirs.scale;
  input.mean = theirs.mean;
  input.std = theirs.std;
  input.mean_image = theirs.mean_image;
  return mean_image_of(file, theirs);
}

}  // namespace alx
