// Stands in for the figures in a build without cairo.
#include "core/error.h"
#include "plot/plot.h"

namespace alx {
namespace {

[[noreturn]] void no_plots(const std::string& path) {
  fail(
      Code::unsupported, "cannot draw '", path,
      "': this build has no figures; configure with ALEXNET_WITH_PLOTS=ON (needs cairo and pango)");
}

}  // namespace

void plot_predictions(const std::string& path, const std::vector<Prediction>&) { no_plots(path); }

void plot_neighbours(const std::string& path, const std::vector<NeighbourRow>&) { no_plots(path); }

void plot_confusion(const std::string& path, const std::string&, const Confusion&) {
  no_plots(path);
}

void plot_tiles(const std::string& path, const std::vector<Tiles>&, Contrast) { no_plots(path); }

void plot_curves(const std::string& path, const std::string&, const std::string&,
                 const std::vector<Panel>&) {
  no_plots(path);
}

}  // namespace alx
