// What a training run has shown so far, one row for each epoch: the CSV file and the figure.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "train/run.h"

namespace alx::cli {

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
