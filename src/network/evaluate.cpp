#include "network/evaluate.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "core/error.h"
#include "core/text.h"
#include "data/prepared.h"
#include "models/imagenet_labels.h"

namespace alx {
namespace {

std::string folded(const std::string& name) {
  std::string text = lower_case(name);
  std::replace(text.begin(), text.end(), '_', ' ');
  return text;
}

// Rows still to be computed: images with their true classes.
struct Pending {
  std::vector<Image> images;
  std::vector<int64_t> truths;
};

void count(const std::vector<float>& probabilities, const Pending& pending, Evaluation& result) {
  const size_t classes = probabilities.size() / pending.truths.size();
  for (size_t i = 0; i < pending.truths.size(); ++i) {
    const std::span<const float> row(probabilities.data() + i * classes, classes);
    const std::vector<Ranked> best = top_k(row, 5);
    const int64_t truth = pending.truths[i];
    result.top1 += best.front().index == truth;
    result.top5 +=
        std::any_of(best.begin(), best.end(), [&](const Ranked& r) { return r.index == truth; });
    result.loss -= std::log(std::max(static_cast<double>(row[static_cast<size_t>(truth)]), 1e-30));
    ++result.confusion[{truth, best.front().index}];
    ++result.images;
  }
}

std::vector<float> mean_answer(const std::vector<Session*>& sessions,
                               const std::vector<Image>& images, int crops) {
  std::vector<float> sum = sessions.front()->classify(images, crops);
  for (size_t i = 1; i < sessions.size(); ++i) {
    const std::vector<float> other = sessions[i]->classify(images, crops);
    for (size_t j = 0; j < sum.size(); ++j) sum[j] += other[j];
  }
  for (float& p : sum) p /= static_cast<float>(sessions.size());
  return sum;
}

}  // namespace

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
  Pending pending;
  const auto flush = [&] {
    if (pending.images.empty()) return;
    count(mean_answer(sessions, pending.images, options.crops), pending, result);
    pending = {};
  };
  for (int64_t i = 0; i < data.size(); ++i) {
    try {
      pending.images.push_back(data.image(i));
      pending.truths.push_back(classes[static_cast<size_t>(data.label(i))]);
    } catch (const Error& error) {
      if (!is_broken(error.code())) throw;
      ++result.broken;
      if (options.on_broken) options.on_broken(data.name(i), error.what());
    }
    if (static_cast<int64_t>(pending.images.size()) < sessions.front()->batch()) continue;
    flush();
    if (options.progress) options.progress(i + 1, data.size());
    if (options.cancelled && options.cancelled())
      fail(Code::cancelled, "stopped after ", i + 1, " of ", data.size(), " images");
  }
  flush();
  check(result.images > 0, Code::bad_file, "none of the ", data.size(), " pictures could be read");
  const auto images = static_cast<double>(result.images);
  result.top1 /= images;
  result.top5 /= images;
  result.loss /= images;
  return result;
}

}  // namespace alx
