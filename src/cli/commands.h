// The commands of the program. Each add_ function declares a command's options and says how it
// runs.
#pragma once
#include <functional>

#include "cli/common.h"

namespace alx::cli {

struct Command {
  CLI::App* app;
  std::function<int()> run;  // returns an Exit
};

Command add_classify(CLI::App& program);
Command add_train(CLI::App& program);
Command add_eval(CLI::App& program);
Command add_info(CLI::App& program);
Command add_convert(CLI::App& program);
Command add_verify(CLI::App& program);
Command add_devices(CLI::App& program);
Command add_bench(CLI::App& program);
Command add_features(CLI::App& program);
Command add_pack(CLI::App& program);
Command add_search(CLI::App& program);
Command add_kernels(CLI::App& program);

}  // namespace alx::cli
