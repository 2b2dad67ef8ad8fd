// `alexnet.solver` of a checkpoint: the recipe of its run, and where it stands.
#pragma once
#include <memory>
#include <string>

#include "data/dataset.h"
#include "train/trainer.h"
#include "weights/weights.h"

namespace alx {

// Where a run stands, beside its options.
struct Standing {
  int64_t step = 0;
  std::string plan;
  LossScale scale;
  Plateau plateau;
  BestEpoch best;
};

std::string to_json(const TrainOptions& options, const Standing& at, const Dataset& data,
                    bool by_plateau);

// The run of a checkpoint, with devices and threads of `options`; its epochs too where they are
// given. `data`: all pictures, of which what the run learns from is left.
Standing read_solver(const WeightFile& file, TrainOptions& options,
                     std::shared_ptr<const Dataset>& data);

}  // namespace alx
