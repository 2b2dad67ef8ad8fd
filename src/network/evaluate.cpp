#include "network/evaluate.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/text.h"
#include "models/imagenet_labels.h"
#include "network/answer_pictures.h"

namespace alx {
namespace {

std::string folded(const std::string& name) {
  std::string text = lower_case(name);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

}  // namespace

void Evaluation::add(std::span<const float> probabilities, int64_t truth) {
  const std::vector<Ranked> best = top_k(probabilities, 5);
  top1 += best.front().index == truth;
  top5 += std::ranges::any_of(best, [&](const Ranked& r) { return r.index == truth; });
  const double right = probabilities[static_cast<size_t>(truth)];
  loss -= std::log(std::max(right, 1e-30));
  ++confusion[{truth, best.front().index}];
  ++images;
}

void Evaluation::divide() {
  for (double* sum : {&top1, &top5, &loss}) *sum /= static_cast<double>(images);
}

std::optional<int64_t> ClassNames::find(const std::string& name) const {
  const auto found = index_.find(folded(name));
  return found == index_.end() ? std::nullopt : std::optional(found->second);
}

ClassNames::ClassNames(const std::vector<std::string>& labels) {
  for (size_t i = 0; i < labels.size(); ++i)
    index_.emplace(folded(labels[i]), static_cast<int64_t>(i));
  if (labels.size() == imagenet_classes().size())
    for (size_t i = 0; i < imagenet_classes().size(); ++i)
      index_.emplace(imagenet_classes()[i].synset, static_cast<int64_t>(i));
}

std::vector<int64_t> match_classes(const std::vector<std::string>& folders,
                                   const std::vector<std::string>& labels,
                                   const std::string& whose) {
  const ClassNames names(labels);
  std::vector<int64_t> matched;
  for (const std::string& folder : folders) {
    const std::optional<int64_t> found = names.find(folder);
    check(found.has_value(), Code::invalid_argument, "the class '", folder,
          "' of the data is no label of ", whose, " (", labels.size(), " labels, the first '",
          labels.front(), "'): name the classes as the labels, or as ImageNet's synsets");
    matched.push_back(*found);
  }
  return matched;
}

Evaluation evaluate(const std::vector<Session*>& sessions, const Dataset& data,
                    const EvaluateOptions& options) {
  check(data.size() > 0, Code::invalid_argument, "the data has no pictures");
  check(!sessions.empty(), Code::invalid_argument, "an evaluation needs at least one model");
  const Model& model = sessions.front()->model();
  for (const Session* session : sessions)
    check(session->model().labels() == model.labels(), Code::invalid_argument, "the models ",
          model.description(), " and ", session->model().description(),
          " have different labels and cannot be averaged");
  const std::vector<int64_t> classes =
      match_classes(data.classes(), model.labels(), model.description());
  Evaluation result;
  AnswerWatch watch;
  watch.on_answer = [&](int64_t i, const Answer& answer) {
    result.add(answer.probabilities, classes[static_cast<size_t>(data.label(i))]);
  };
  watch.on_broken = [&](int64_t i, const Error& why) {
    ++result.broken;
    if (options.on_broken) options.on_broken(data.name(i), why.what());
  };
  watch.after_batch = [&](int64_t done) {
    if (options.progress) options.progress(done, data.size());
    if (options.cancelled && options.cancelled())
      fail(Code::cancelled, "stopped after ", done, " of ", data.size(), " images");
  };
  const auto read = [&](int64_t i, Image& scratch) -> const Image& {
    return scratch = data.image(i);
  };
  answer_pictures(sessions, {data.size(), read}, {.crops = options.crops}, watch);
  check(result.images > 0, Code::bad_file, "none of the ", data.size(), " pictures could be read");
  result.divide();
  return result;
}

}  // namespace alx
