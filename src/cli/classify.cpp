#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <system_error>

#include "cli/commands.h"
#include "cli/system.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "core/number.h"
#include "core/path.h"
#include "data/walk.h"
#include "network/answer_pictures.h"
#include "network/bundled.h"

namespace alx::cli {
namespace {

// pictures are kept no larger for the figure
constexpr int64_t plotted_side = 512;

struct ClassifyOptions {
  std::vector<std::string> images;
  std::string model = bundled_network, precision = "fp32", plot;
  DeviceOptions device;
  int64_t top = 5;
  int crops = 1;
  bool json = false, csv = false;
};

// As RFC 4180 has it.
std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == text.npos) return text;
  std::string cell = "\"";
  for (const char c : text) cell += c == '"' ? "\"\"" : std::string(1, c);
  return cell + '"';
}

Image read_picture(const std::string& path) {
  if (path != "-") return read_image(path);
  const std::string bytes{std::istreambuf_iterator<char>(std::cin),
                          std::istreambuf_iterator<char>()};
  return decode_image(std::as_bytes(std::span(bytes)), "standard input");
}

class Classifier {
 public:
  explicit Classifier(const ClassifyOptions& options)
      : options_(options), model_(Model::open(options.model)) {
    if (!options.plot.empty()) check_writable(options.plot);
    for (const std::string& path : options.images) add(path);
    predictions_.resize(options.plot.empty() ? 0 : paths_.size());
  }

  int run() {
    if (options_.csv) std::cout << "image,rank,index,label,probability\n";
    if (!paths_.empty()) classify();
    if (options_.json) print_json({{"model", model_->spec().id}, {"results", results_}});
    std::erase_if(predictions_, [](const Prediction& p) { return p.bars.empty(); });
    if (!predictions_.empty()) plot_predictions(options_.plot, predictions_);
    return broken_ == 0 ? done : failed;
  }

 private:
  // A picture, all below a folder, or all that a pattern stands for.
  void add(const std::string& path) {
    std::error_code ignored;
    if (std::filesystem::exists(to_path(path), ignored) || path.find_first_of("*?[") == path.npos)
      return add_one(path);
    const std::vector<std::string> found = paths_like(path);
    if (found.empty()) return broken(path + ": no file is named like this");
    for (const std::string& one : found) add_one(one);
  }

  void add_one(const std::string& path) {
    std::error_code ignored;
    if (!std::filesystem::is_directory(to_path(path), ignored)) return paths_.push_back(path);
    try {
      for (const std::string& name : pictures_below(path))
        paths_.push_back(to_utf8(to_path(path) / to_path(name)));
    } catch (const Error& error) {
      broken(error.what());
    }
  }

  // It is named; the others still get their answer.
  void broken(const std::string& why) {
    message(why);
    ++broken_;
  }

  void classify() {
    SessionOptions wanted = session_options(options_.device, options_.precision);
    const auto pictures = std::min<int64_t>(static_cast<int64_t>(paths_.size()), max_batch);
    wanted.batch = std::min<int64_t>(pictures * options_.crops, max_batch);
    Session session(model_, wanted);
    const auto read = [this](int64_t i, Image& scratch) -> const Image& {
      scratch = read_picture(paths_[static_cast<size_t>(i)]);
      if (!options_.plot.empty()) keep(static_cast<size_t>(i), scratch);
      return scratch;
    };
    AnswerWatch watch;
    watch.on_answer = [this](int64_t i, const Answer& answer) {
      show(static_cast<size_t>(i), top_k(answer.probabilities, options_.top));
    };
    watch.on_broken = [this](int64_t, const Error& error) { broken(error.what()); };
    answer_pictures({&session}, {static_cast<int64_t>(paths_.size()), read},
                    {.crops = options_.crops}, watch);
  }

  // For the figure; each picture has a place of its own, so that several threads may come.
  void keep(size_t i, const Image& image) {
    Prediction& to = predictions_[i];
    to.image = std::min(image.width, image.height) > plotted_side
                   ? resize_short_side(image, plotted_side)
                   : image;
    to.title = to_utf8(to_path(paths_[i]).filename());
  }

  void show(size_t i, const std::vector<Ranked>& top) {
    const std::string& name = paths_[i];
    std::vector<Bar> bars;
    for (const Ranked& ranked : top)
      bars.push_back({model_->labels()[static_cast<size_t>(ranked.index)], ranked.probability});
    if (options_.json) {
      Json list = Json::array();
      for (size_t rank = 0; rank < top.size(); ++rank)
        list.push_back({{"index", top[rank].index},
                        {"label", bars[rank].label},
                        {"probability", top[rank].probability}});
      results_.push_back({{"image", name}, {"top", std::move(list)}});
    } else if (options_.csv) {
      for (size_t rank = 0; rank < top.size(); ++rank)
        std::cout << csv_cell(name) << ',' << rank + 1 << ',' << top[rank].index << ','
                  << csv_cell(bars[rank].label) << ',' << general(top[rank].probability, 9) << '\n';
    } else {
      std::cout << printable(name) << '\n';
      print_bars(std::cout, bars, terminal_);
    }
    if (!options_.plot.empty()) predictions_[i].bars = std::move(bars);
  }

  const ClassifyOptions& options_;
  std::shared_ptr<const Model> model_;
  std::vector<std::string> paths_;
  const Terminal terminal_ = terminal_of(stdout);
  Json results_ = Json::array();
  std::vector<Prediction> predictions_;  // one for each path, where there is a figure
  int64_t broken_ = 0;
};

}  // namespace

Command add_classify(CLI::App& program) {
  CLI::App* app = program.add_subcommand("classify", "Say what pictures show");
  const auto options = std::make_shared<ClassifyOptions>();
  app->add_option(
         "IMAGE", options->images,
         "Pictures (JPEG, PNG, WebP, BMP, GIF or TIFF), folders of them, or patterns as '*.jpg'; - "
         "reads one from standard input")
      ->required()
      ->type_name("");
  add_model(*app, options->model);
  add_whole(*app, "--top", options->top, "How many classes to show", 1, 1'000'000)
      ->capture_default_str();
  add_crops(*app, options->crops);
  add_device_options(*app, options->device);
  add_precision(*app, options->precision);
  add_json(*app, options->json);
  app->add_flag("--csv", options->csv, "Print comma-separated values, a line for each class")
      ->excludes("--json");
  add_plot(*app, options->plot, "Draw the pictures with their answers");
  return {app, [options] { return Classifier(*options).run(); }};
}

}  // namespace alx::cli
