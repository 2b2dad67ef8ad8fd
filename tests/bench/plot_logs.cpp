// plot_logs OUT.png TITLE MOST_EPOCHS NAME=LOG.csv...: training error against epochs of several
// runs in one figure.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>

#include "core/error.h"
#include "plot/plot.h"

namespace {

// Columns of the log: step, epoch, rate, train_loss, train_accuracy, ...
alx::Series errors_of(const std::string& name, const std::string& path, double most_epochs) {
  std::ifstream log(path);
  alx::check(log.good(), alx::Code::not_found, "cannot open ", path);
  alx::Series series{name, {}};
  std::string line;
  std::getline(log, line);
  while (std::getline(log, line)) {
    std::istringstream cells(line);
    std::string cell;
    double values[5];
    for (double& value : values) {
      std::getline(cells, cell, ',');
      value = std::strtod(cell.c_str(), nullptr);
    }
    if (values[1] <= most_epochs) series.points.emplace_back(values[1], 1 - values[4]);
  }
  return series;
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 5) {
    std::cerr << "usage: plot_logs OUT.png TITLE MOST_EPOCHS NAME=LOG.csv...\n";
    return 2;
  }
  alx::Panel panel{"training error", {}, true};
  for (int i = 4; i < argc; ++i) {
    const std::string argument = argv[i];
    const size_t equals = argument.find('=');
    alx::check(equals != argument.npos, alx::Code::invalid_argument, argument,
               " is not NAME=LOG.csv");
    panel.series.push_back(
        errors_of(argument.substr(0, equals), argument.substr(equals + 1), std::atof(argv[3])));
  }
  alx::plot_curves(argv[1], argv[2], "epoch", {panel});
} catch (const std::exception& error) {
  std::cerr << "plot_logs: " << error.what() << '\n';
  return 1;
}
