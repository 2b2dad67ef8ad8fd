#include "train/training_data.h"

#include <algorithm>

#include "core/error.h"
#include "core/log.h"
#include "core/text.h"
#include "data/prepared.h"
#include "data/split.h"

namespace alx {
namespace {

constexpr size_t most_named = 3;

// "a, b, c, ..."
std::string some_of(const std::vector<std::string>& names) {
  const size_t named = std::min(names.size(), most_named);
  return joined(std::span(names).first(named)) + (names.size() > named ? ", ..." : "");
}

std::string count_of(int64_t count, const char* one, const char* many) {
  return cat(count, " ", count == 1 ? one : many);
}
std::string pictures(int64_t count) { return count_of(count, "picture", "pictures"); }

void tell_of_classes(const Dataset& data) {
  const std::vector<int64_t> counts = pictures_by_class(data);
  const auto [least, most] = std::ranges::minmax_element(counts);
  const auto name = [&](auto at) {
    return data.classes()[static_cast<size_t>(at - counts.begin())];
  };
  log_line(LogLevel::info,
           cat("learning from ", pictures(data.size()), " of ",
               count_of(static_cast<int64_t>(counts.size()), "class", "classes"),
               *least == *most ? cat(", ", *most, " of each")
                               : cat(", from ", *least, " ('", name(least), "') to ", *most, " ('",
                                     name(most), "') of a class")));
  if (counts.size() == 1)
    log_line(LogLevel::warning, cat("all pictures are of one class, '", data.classes().front(),
                                    "': a network learns to tell classes apart, and has nothing "
                                    "to learn here"));
  std::vector<std::string> empty;
  for (size_t c = 0; c < counts.size(); ++c)
    if (counts[c] == 0) empty.push_back(data.classes()[c]);
  if (!empty.empty())
    log_line(LogLevel::warning,
             cat(count_of(static_cast<int64_t>(empty.size()), "class has", "classes have"),
                 " no pictures, and will not be learned: ", some_of(empty)));
}

void tell_of_an_epoch(const Dataset& data, int64_t batch) {
  const int64_t left = data.size() % batch;
  if (left == 0) return;
  log_line(LogLevel::info,
           cat("an epoch takes ", data.size() - left, " of the ", pictures(data.size()), ": the ",
               left, " over do not fill a batch of ", batch, ", and are others in each epoch"));
}

// Not into all: a large set would be read twice. Training names each where it comes to it.
void tell_of_broken(const Dataset& data) {
  constexpr int64_t at_most = 256;
  const int64_t count = std::min(data.size(), at_most);
  std::vector<std::string> broken;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t picture = i * data.size() / count;
    try {
      data.inspect(picture);
    } catch (const Error& error) {
      if (!is_broken(error.code())) throw;
      broken.push_back(data.name(picture));
    }
  }
  if (!broken.empty())
    log_line(
        LogLevel::warning,
        cat(broken.size(), " of the ",
            count == data.size() ? pictures(count) : pictures(count) + " that were looked into",
            " cannot be read, and will be skipped: ", some_of(broken)));
}

}  // namespace

std::shared_ptr<const Dataset> training_part(std::shared_ptr<const Dataset> data,
                                             TrainOptions& options) {
  if (options.validation_share == 0) return data;
  const SplitSet split = split_set(data, options.validation_share, options.seed);
  if (!split.undivided.empty())
    log_line(LogLevel::warning, cat(count_of(static_cast<int64_t>(split.undivided.size()),
                                             "class has", "classes have"),
                                    " one picture, too few to split, and none to be measured by: ",
                                    some_of(split.undivided)));
  if (!options.validation) options.validation = split.validation;
  return split.training;
}

void tell_of_data(const Dataset& data, const TrainOptions& options) {
  tell_of_classes(data);
  if (options.validation)
    log_line(LogLevel::info, cat("measured by ", pictures(options.validation->size()),
                                 options.validation_share > 0
                                     ? cat(", split off as a share of ", options.validation_share,
                                           " of each class by seed ", options.seed)
                                     : std::string()));
  tell_of_an_epoch(data, options.recipe.batch);
  if (!options.freeze) tell_of_broken(data);  // else all are read, before the first step
}

std::vector<float> balanced_weights(const Dataset& data) {
  const std::vector<int64_t> counts = pictures_by_class(data);
  const auto with_pictures =
      static_cast<double>(counts.size()) - static_cast<double>(std::ranges::count(counts, 0));
  std::vector<float> weights;
  for (const int64_t count : counts)
    weights.push_back(count == 0
                          ? 1.f
                          : static_cast<float>(static_cast<double>(data.size()) /
                                               (with_pictures * static_cast<double>(count))));
  return weights;
}

}  // namespace alx
