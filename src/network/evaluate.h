// Accuracy over a labelled set.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "data/dataset.h"
#include "network/session.h"

namespace alx {

struct Evaluation {
  int64_t images = 0, broken = 0;       // broken ones do not count as images
  double top1 = 0, top5 = 0, loss = 0;  // fractions; loss: mean of -log p

  // Sums until divide() makes means of them.
  void add(std::span<const float> probabilities, int64_t truth);
  void divide();

  // Images by true class and by answer, of the model. Those of no image are left out: of many
  // classes they are almost all.
  std::map<std::pair<int64_t, int64_t>, int64_t> confusion;
  int64_t confused(int64_t truth, int64_t answer) const {
    const auto found = confusion.find({truth, answer});
    return found == confusion.end() ? 0 : found->second;
  }
};

struct EvaluateOptions {
  int crops = 1;
  std::function<void(int64_t done, int64_t total)> progress;
  std::function<void(const std::string& name, const std::string& why)> on_broken;
  std::function<bool()> cancelled;  // asked between batches; ends with Error(cancelled)
};

// Several sessions: the mean of their probabilities (the paper's ensembles). All must have the same
// classes. Folder sets are matched to the model's labels, or to ImageNet's synsets, by name; a
// folder without a match is an error.
Evaluation evaluate(const std::vector<Session*>& sessions, const Dataset& data,
                    const EvaluateOptions& options = {});

// Labels by name, as classes of a set are matched to them: without case, and with '_' and ' '
// alike, since folders rarely keep spaces; ImageNet's by their synsets too.
class ClassNames {
 public:
  explicit ClassNames(const std::vector<std::string>& labels);
  std::optional<int64_t> find(const std::string& name) const;  // its index

 private:
  std::map<std::string, int64_t> index_;
};

// For each folder its index among the labels of `whose`, which is for the message. Throws
// invalid_argument naming what does not match.
std::vector<int64_t> match_classes(const std::vector<std::string>& folders,
                                   const std::vector<std::string>& labels,
                                   const std::string& whose);

}  // namespace alx
