#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "core/path.h"
#include "data/walk.h"
#include "network/bundled.h"
#include "network/session.h"

namespace alx::cli {
namespace {

constexpr size_t max_waiting_bytes = size_t{64} << 20;  // of decoded pictures
// pictures are kept no larger for the figure
constexpr int64_t plotted_side = 512;

struct ClassifyOptions {
  std::vector<std::string> images;
  std::string model = bundled_network, precision = "fp32", plot;
  DeviceOptions device;
  int64_t top = 5;
  int crops = 1;
  bool json = false;
};

Image read_picture(const std::string& path) {
  if (path != "-") return read_image(path);
  const std::string bytes{std::istreambuf_iterator<char>(std::cin),
                          std::istreambuf_iterator<char>()};
  return decode_image(std::as_bytes(std::span(bytes)), "standard input");
}

// Reads pictures one after the other and classifies them in batches.
class Classifier {
 public:
  explicit Classifier(const ClassifyOptions& options)
      : options_(options), model_(Model::open(options.model)) {
    if (!options.plot.empty()) check_writable(options.plot);
  }

  int run() {
    for (const std::string& path : options_.images) add(path);
    for (const std::string& path : paths_) read(path);
    flush();
    if (options_.json) print_json({{"model", model_->spec().id}, {"results", results_}});
    if (!options_.plot.empty() && !predictions_.empty())
      plot_predictions(options_.plot, predictions_);
    return broken_ == 0 ? done : failed;
  }

 private:
  struct Waiting {
    std::vector<std::string> names;
    std::vector<Image> images;
    size_t bytes = 0;
  };

  // A picture, or all below a folder.
  void add(const std::string& path) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(to_path(path), ignored)) return paths_.push_back(path);
    try {
      for (const std::string& name : pictures_below(path))
        paths_.push_back(to_utf8(to_path(path) / to_path(name)));
    } catch (const Error& error) {
      message(error.what());
      ++broken_;
    }
  }

  // A picture that cannot be read is named; the others still get their answer.
  void read(const std::string& path) {
    try {
      waiting_.images.push_back(read_picture(path));
      waiting_.names.push_back(path);
    } catch (const Error& error) {
      message(error.what());
      ++broken_;
      return;
    }
    waiting_.bytes += waiting_.images.back().pixels.size();
    if (static_cast<int64_t>(waiting_.images.size()) >= max_batch ||
        waiting_.bytes >= max_waiting_bytes)
      flush();
  }

  Session& session() {
    if (session_) return *session_;
    SessionOptions wanted = session_options(options_.device, options_.precision);
    const auto pictures = std::min<int64_t>(static_cast<int64_t>(paths_.size()), max_batch);
    wanted.batch = std::min<int64_t>(pictures * options_.crops, max_batch);
    return session_.emplace(model_, wanted);
  }

  void flush() {
    if (waiting_.images.empty()) return;
    const std::vector<float> all = session().classify(waiting_.images, options_.crops);
    const auto row = static_cast<size_t>(session().classes());
    for (size_t i = 0; i < waiting_.images.size(); ++i)
      show(waiting_.names[i], std::move(waiting_.images[i]),
           top_k(std::span(all).subspan(i * row, row), options_.top));
    waiting_ = {};
  }

  void show(const std::string& name, Image image, const std::vector<Ranked>& top) {
    Json list = Json::array();
    std::vector<Bar> bars;
    for (const Ranked& ranked : top) {
      const std::string& label = model_->labels()[static_cast<size_t>(ranked.index)];
      bars.push_back({label, ranked.probability});
      list.push_back(
          {{"index", ranked.index}, {"label", label}, {"probability", ranked.probability}});
    }
    if (options_.json) {
      results_.push_back({{"image", name}, {"top", std::move(list)}});
    } else {
      std::cout << printable(name) << '\n';
      print_bars(std::cout, bars, terminal_);
    }
    if (options_.plot.empty()) return;
    if (std::min(image.width, image.height) > plotted_side)
      image = resize_short_side(image, plotted_side);
    predictions_.push_back({std::move(image), to_utf8(to_path(name).filename()), std::move(bars)});
  }

  const ClassifyOptions& options_;
  std::shared_ptr<const Model> model_;
  std::vector<std::string> paths_;
  std::optional<Session> session_;  // made when the first picture is there
  const Terminal terminal_ = terminal_of(stdout);
  Waiting waiting_;
  Json results_ = Json::array();
  std::vector<Prediction> predictions_;
  int64_t broken_ = 0;
};

}  // namespace

Command add_classify(CLI::App& program) {
  CLI::App* app = program.add_subcommand("classify", "Say what pictures show");
  const auto options = std::make_shared<ClassifyOptions>();
  app->add_option(
         "IMAGE", options->images,
         "Pictures (JPEG, PNG, WebP or BMP) or folders of them; - reads one from standard input")
      ->required()
      ->type_name("");
  add_model(*app, options->model);
  add_whole(*app, "--top", options->top, "How many classes to show", 1, 1'000'000)
      ->capture_default_str();
  add_crops(*app, options->crops);
  add_device_options(*app, options->device);
  add_precision(*app, options->precision);
  add_json(*app, options->json);
  add_plot(*app, options->plot, "Draw the pictures with their answers");
  return {app, [options] { return Classifier(*options).run(); }};
}

}  // namespace alx::cli
