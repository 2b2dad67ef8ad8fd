#include <algorithm>
#include <iomanip>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "core/error.h"
#include "core/number.h"
#include "core/path.h"
#include "network/feature_index.h"
#include "network/nearest.h"
#include "network/session.h"
#include "plot/plot.h"

namespace alx::cli {
namespace {

constexpr int64_t plotted_side = 256;  // pictures are kept no larger for the figure

struct SearchOptions {
  std::string index, model, plot;
  std::vector<std::string> queries;
  DeviceOptions device;
  int64_t top = 6;
  bool json = false;
};

Image thumbnail(Image image) {
  return std::min(image.width, image.height) > plotted_side ? resize_short_side(image, plotted_side)
                                                            : std::move(image);
}

class Search {
 public:
  explicit Search(const SearchOptions& options)
      : options_(options), index_(FeatureIndex::open(options.index)) {
    if (!options.plot.empty()) check_writable(options.plot);
    for (const std::string& query : options.queries) pictures_.push_back(read_image(query));
    open_session();
  }

  int run() {
    const std::vector<float> features = session_->features(pictures_, index_.source().layer);
    const auto row = static_cast<size_t>(index_.dimension());
    for (size_t i = 0; i < pictures_.size(); ++i)
      show(i, nearest(std::span(features).subspan(i * row, row), index_.rows(), options_.top,
                      *session_->loop()));
    if (options_.json)
      print_json({{"model", session_->model().spec().id},
                  {"layer", index_.source().layer},
                  {"results", results_}});
    if (!options_.plot.empty()) plot_neighbours(options_.plot, rows_);
    return done;
  }

 private:
  std::shared_ptr<const Model> open_model() const {
    if (!options_.model.empty()) return Model::open(options_.model);
    const std::string& name = index_.source().model;
    check(!name.empty(), Code::bad_file, options_.index,
          " does not say which model made it; name it with --model");
    try {
      return Model::open(name);
    } catch (const Error& error) {
      fail(error.code(), options_.index, " was made with the model ", name,
           ", which cannot be opened: ", error.what(), "; say with --model where it is now");
    }
  }

  void open_session() {
    const auto model = open_model();
    index_.check_model(*model);
    const FeatureSource& source = index_.source();
    SessionOptions wanted =
        session_options(options_.device, source.precision.empty() ? "fp32" : source.precision);
    wanted.batch = std::min<int64_t>(max_batch, static_cast<int64_t>(pictures_.size()));
    wanted.outputs = {source.layer};
    session_.emplace(model, wanted);
    index_.check_session(*session_);
  }

  void show(size_t query, const std::vector<Neighbour>& found) {
    Json list = Json::array();
    if (!options_.json) std::cout << printable(options_.queries[query]) << '\n';
    for (const Neighbour& neighbour : found) {
      const std::string image = index_.image(neighbour.index);
      list.push_back(
          {{"index", neighbour.index}, {"image", image}, {"distance", neighbour.distance}});
      if (!options_.json)
        std::cout << "  " << std::setw(10) << fixed(neighbour.distance, 4) << "  "
                  << printable(image) << '\n';
    }
    results_.push_back({{"query", options_.queries[query]}, {"nearest", std::move(list)}});
    if (!options_.plot.empty()) rows_.push_back(figure_row(query, found));
  }

  NeighbourRow figure_row(size_t query, const std::vector<Neighbour>& found) const {
    NeighbourRow row{
        {thumbnail(pictures_[query]), to_utf8(to_path(options_.queries[query]).filename())}, {}};
    for (const Neighbour& neighbour : found) {
      const std::string image = index_.image(neighbour.index);
      Captioned shown{{}, fixed(neighbour.distance, neighbour.distance < 1 ? 3 : 2)};
      try {
        shown.image = thumbnail(read_image(image));
      } catch (const Error& error) {
        message(cat("warning: ", image, " stays empty in the figure: ", error.what()));
      }
      row.nearest.push_back(std::move(shown));
    }
    return row;
  }

  const SearchOptions& options_;
  FeatureIndex index_;
  std::vector<Image> pictures_;
  std::optional<Session> session_;
  Json results_ = Json::array();
  std::vector<NeighbourRow> rows_;
};

}  // namespace

Command add_search(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("search", "Find the pictures of an index whose features lie nearest");
  const auto options = std::make_shared<SearchOptions>();
  app->add_option("--index", options->index, "What `alexnet features` has written")
      ->required()
      ->type_name("FILE.safetensors");
  app->add_option("--query", options->queries, "A picture; given several times, each is looked for")
      ->required()
      ->type_name("IMAGE")
      ->allow_extra_args(false);
  app->add_option("--model", options->model,
                  "Where the index's model is now; without it, where it was")
      ->type_name("NAME|FILE");
  add_whole(*app, "--top", options->top, "How many pictures to show", 1, 1'000'000)
      ->capture_default_str();
  add_device_options(*app, options->device);
  add_json(*app, options->json);
  add_plot(*app, options->plot, "Draw each query and what is nearest to it");
  return {app, [options] { return Search(*options).run(); }};
}

}  // namespace alx::cli
