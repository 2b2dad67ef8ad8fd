// What `alexnet train` is asked for.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "cli/common.h"
#include "train/overrides.h"

namespace alx::cli {

struct TrainCommand {
  std::string model, data, val, out, resume, log, plot;
  std::string store = "fp32", dropout = "on", precision = "fp32", parallel = "data", mean;
  std::string class_weights = "none", freeze = "none";
  std::vector<std::string> augment, rates;
  bool force = false, best = false;
  int64_t seed = 1, checkpoint_every = 0;
  double checkpoint_minutes = 0;
  DeviceOptions device;
  Overrides overrides;  // the options of these types; overrides_of() adds the others
  const CLI::App* app = nullptr;

  bool given(const std::string& option) const { return app->count(option) > 0; }
};

// --val as a share of the pictures; empty: it is a set, or none.
std::optional<double> validation_share(const TrainCommand& command);

// Adds the command's options.
void add_train_options(CLI::App& app, TrainCommand& command);

// All that a parsed command says instead of the recipe of the network.
Overrides overrides_of(const TrainCommand& command, const NetSpec& spec);

// The trainer that a parsed command wants: a new one or one that goes on.
std::unique_ptr<Trainer> make_trainer(const TrainCommand& command,
                                      const std::shared_ptr<const Dataset>& data,
                                      const std::shared_ptr<const Dataset>& validation);

}  // namespace alx::cli
