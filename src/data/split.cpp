#include "data/split.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/error.h"
#include "core/random.h"

namespace alx {
namespace {

// Some pictures of another set.
class Subset final : public Dataset {
 public:
  Subset(std::shared_ptr<const Dataset> whole, std::vector<int64_t> pictures)
      : whole_(std::move(whole)), pictures_(std::move(pictures)) {
    classes_ = whole_->classes();
  }

  int64_t size() const override { return static_cast<int64_t>(pictures_.size()); }
  int64_t label(int64_t i) const override { return whole_->label(at(i)); }
  std::string name(int64_t i) const override { return whole_->name(at(i)); }
  std::string key(int64_t i) const override { return whole_->key(at(i)); }
  Image image(int64_t i, int64_t at_least) const override { return whole_->image(at(i), at_least); }
  std::vector<std::byte> stored(int64_t i) const override { return whole_->stored(at(i)); }
  void inspect(int64_t i) const override { whole_->inspect(at(i)); }

 private:
  int64_t at(int64_t i) const {
    check(i >= 0 && i < size(), Code::invalid_argument, "picture ", i, " of ", size());
    return pictures_[static_cast<size_t>(i)];
  }

  std::shared_ptr<const Dataset> whole_;
  std::vector<int64_t> pictures_;
};

int64_t share_of_class(int64_t pictures, double share) {
  if (pictures < 2) return 0;
  return std::clamp<int64_t>(std::llround(share * static_cast<double>(pictures)), 1, pictures - 1);
}

}  // namespace

std::vector<int64_t> pictures_by_class(const Dataset& data) {
  std::vector<int64_t> counts(data.classes().size());
  for (int64_t i = 0; i < data.size(); ++i) ++counts[static_cast<size_t>(data.label(i))];
  return counts;
}

int64_t training_pictures(const Dataset& data, double share) {
  int64_t left = data.size();
  if (share > 0)
    for (const int64_t pictures : pictures_by_class(data)) left -= share_of_class(pictures, share);
  return left;
}

SplitSet split_set(const std::shared_ptr<const Dataset>& data, double share, uint64_t seed) {
  std::vector<std::vector<int64_t>> of_class(data->classes().size());
  for (int64_t i = 0; i < data->size(); ++i)
    of_class[static_cast<size_t>(data->label(i))].push_back(i);
  SplitSet split;
  std::vector<int64_t> training, validation;
  for (size_t c = 0; c < of_class.size(); ++c) {
    std::vector<int64_t>& pictures = of_class[c];
    if (pictures.size() == 1) split.undivided.push_back(data->classes()[c]);
    const Random random(seed, hash_name("validation"), c);
    for (size_t i = pictures.size(); i > 1; --i)
      std::swap(pictures[i - 1], pictures[random.below(i - 1, i)]);
    const auto taken =
        pictures.begin() + share_of_class(static_cast<int64_t>(pictures.size()), share);
    validation.insert(validation.end(), pictures.begin(), taken);
    training.insert(training.end(), taken, pictures.end());
  }
  check(!validation.empty(), Code::invalid_argument,
        "no class of the data has two pictures, so none can be split off to measure by");
  std::ranges::sort(training);
  std::ranges::sort(validation);
  split.training = std::make_shared<Subset>(data, std::move(training));
  split.validation = std::make_shared<Subset>(data, std::move(validation));
  return split;
}

}  // namespace alx
