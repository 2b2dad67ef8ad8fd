// What a training run has shown so far, one row for each epoch: the CSV file and the figure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "network/evaluate.h"

namespace alx::cli {

struct EpochRow {
  int64_t step = 0;
  double epoch = 0, rate = 0;
  // means over the epoch, or the part of it that this run has seen
  double train_loss = 0, train_accuracy = 0;
  std::optional<Evaluation> validation;
  double images_per_second = 0, waited_ms = 0;  // waited for data in a mean step
};

class TrainLog {
 public:
  // `path` empty: rows are kept in memory only. A run that goes on at `step` > 0 keeps the file's
  // rows up to there; later ones are of work that the checkpoint has not seen. The file is touched
  // by the first add().
  TrainLog(const std::string& path, int64_t step);

  void add(const EpochRow& row);  // rewrites the file as a whole
  void plot(const std::string& path, const std::string& title) const;

 private:
  std::string path_;
  std::vector<EpochRow> rows_;
};

}  // namespace alx::cli
