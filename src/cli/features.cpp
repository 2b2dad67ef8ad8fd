#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "cli/commands.h"
#include "cli/system.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "core/finite.h"
#include "core/parallel.h"
#include "core/path.h"
#include "core/text.h"
#include "data/walk.h"
#include "network/bundled.h"
#include "network/feature_index.h"
#include "network/session.h"

namespace alx::cli {
namespace {

struct FeatureOptions {
  std::string what, model = bundled_network, layer, out, precision = "fp32";
  DeviceOptions device;
  bool json = false;
};

// What the last fully connected layer reads, before any dropout: the paper's 4096 numbers.
std::string feature_layer(const NetSpec& spec) {
  const auto last = std::find_if(spec.nodes.rbegin(), spec.nodes.rend(),
                                 [](const Node& node) { return facts_of(node.op).dense; });
  check(last != spec.nodes.rend(), Code::invalid_argument, spec.id,
        " has no fully connected layer; give --layer");
  std::string name = last->inputs.front();
  for (const Node* node = spec.node(name); node && facts_of(node->op).random;
       node = spec.node(name))
    name = node->inputs.front();
  return name;
}

// One picture, or those of a folder, written batch by batch.
class FeatureRun {
 public:
  explicit FeatureRun(const FeatureOptions& options)
      : options_(options),
        model_(Model::open(options.model)),
        source_(source_of(*model_, options.model)) {
    check_writable(options.out);
    source_.precision = options.precision;
    source_.layer = options.layer.empty() ? feature_layer(model_->spec()) : options.layer;
    folder_ = std::filesystem::is_directory(to_path(options.what));
    if (folder_) source_.folder = options.what;
    names_ = folder_ ? pictures_below(options.what) : std::vector{options.what};
    if (folder_) leave_out_names_without_utf8();
    open_session();
  }

  int run() {
    catch_stop_signals();
    FeatureSource longest = source_;
    longest.images = names_;
    RowWriter writer(options_.out, features_tensor, source_.shape,
                     static_cast<int64_t>(names_.size()), to_metadata(longest));
    ProgressBar bar(std::cerr, terminal_of(stderr), names_.size());
    for (size_t first = 0; first < names_.size(); first += batch()) {
      check(!stop_requested(), Code::cancelled, "stopped after ",
            grouped(static_cast<int64_t>(first)), " of ",
            grouped(static_cast<int64_t>(names_.size())), " pictures; ", options_.out,
            " is not written");
      writer.add(features(first, std::min(batch(), names_.size() - first), bar));
      bar.set(std::min(first + batch(), names_.size()), "pictures");
    }
    bar.clear();
    check(!source_.images.empty(), Code::bad_file, options_.what, ": none of its ",
          grouped(static_cast<int64_t>(broken_)), " pictures could be read");
    writer.finish(to_metadata(source_));
    return report();
  }

 private:
  struct Read {
    std::vector<float> input;
    std::string fault;  // empty: none
  };

  size_t batch() const { return static_cast<size_t>(session_->batch()); }

  // The index's header is JSON, which holds UTF-8 alone.
  void leave_out_names_without_utf8() {
    std::erase_if(names_, [&](const std::string& name) {
      if (is_utf8(name)) return false;
      message("warning: " + name + " is skipped: its name is not UTF-8");
      ++broken_;
      return true;
    });
    check(!names_.empty(), Code::bad_file, options_.what, ": no picture has a name in UTF-8");
  }

  void open_session() {
    SessionOptions wanted = session_options(options_.device, options_.precision);
    wanted.batch = std::min<int64_t>(max_batch, static_cast<int64_t>(names_.size()));
    wanted.outputs = {source_.layer};
    session_.emplace(model_, wanted);
    const Shape shape = session_->network().shape(source_.layer);
    source_.shape = {shape.begin() + 1, shape.end()};
  }

  // Decoding takes as long as a small network does, so it is shared between threads.
  std::vector<Read> read(size_t first, size_t count) const {
    std::vector<Read> all(count);
    in_parts(count, options_.device.threads, [&](size_t from, size_t to) {
      for (size_t i = from; i < to; ++i) {
        try {
          all[i].input = prepare(*model_, {read_image(path(names_[first + i]))}, 1);
        } catch (const Error& error) {
          all[i].fault = error.what();
        }
      }
    });
    return all;
  }

  // Of the pictures among these that can be read; the others are named.
  std::vector<float> features(size_t first, size_t count, ProgressBar& bar) {
    const std::vector<Read> pictures = read(first, count);
    std::vector<float> inputs;
    const size_t before = source_.images.size();
    for (size_t i = 0; i < count; ++i) {
      const Read& picture = pictures[i];
      if (picture.fault.empty()) {
        inputs.insert(inputs.end(), picture.input.begin(), picture.input.end());
        source_.images.push_back(names_[first + i]);
        continue;
      }
      check(folder_, Code::bad_file, picture.fault);
      bar.clear();
      message("warning: skipped: " + picture.fault);
      ++broken_;
    }
    if (inputs.empty()) return {};
    std::vector<float> rows = session_->features(std::span<const float>(inputs), source_.layer);
    const size_t wrong = first_not_finite(rows.data(), rows.size());
    if (wrong < rows.size()) {
      const size_t row = wrong / static_cast<size_t>(element_count(source_.shape));
      fail(Code::bad_file, "the layer ", source_.layer, " of ", options_.model, " gives ",
           rows[wrong], " for ", path(source_.images[before + row]),
           ": the weights overflow in this precision");
    }
    return rows;
  }

  std::string path(const std::string& name) const {
    return folder_ ? to_utf8(to_path(options_.what) / to_path(name)) : name;
  }

  int report() const {
    const auto pictures = static_cast<int64_t>(source_.images.size());
    if (options_.json)
      return print_json({{"model", model_->spec().id},
                         {"layer", source_.layer},
                         {"shape", source_.shape},
                         {"images", pictures},
                         {"skipped", broken_},
                         {"out", options_.out}});
    std::cout << printable(options_.out) << ": " << grouped(pictures)
              << (pictures == 1 ? " picture" : " pictures") << ", " << printable(source_.layer)
              << " of " << model_->spec().id << ", " << to_string(source_.shape) << " numbers each";
    if (broken_ > 0)
      std::cout << "; " << grouped(static_cast<int64_t>(broken_)) << " could not be read";
    std::cout << '\n';
    return done;
  }

  const FeatureOptions& options_;
  std::shared_ptr<const Model> model_;
  FeatureSource source_;  // its images are those that could be read
  std::vector<std::string> names_;
  std::optional<Session> session_;
  bool folder_ = false;
  size_t broken_ = 0;
};

}  // namespace

Command add_features(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "features", "Write what a layer answers to pictures, for search and for Python");
  const auto options = std::make_shared<FeatureOptions>();
  app->add_option("IMAGE|DIR", options->what,
                  "A picture, or a folder: all pictures below it, sorted by name")
      ->required()
      ->type_name("");
  add_model(*app, options->model);
  app->add_option("--layer", options->layer,
                  "A layer of `alexnet info`, or its usual name, as fc7; without it, what the last "
                  "fully connected "
                  "layer reads")
      ->type_name("NAME");
  add_output(*app, "--out", options->out, "The file to write", "FILE.safetensors", {".safetensors"})
      ->required();
  add_device_options(*app, options->device);
  add_precision(*app, options->precision);
  add_json(*app, options->json);
  return {app, [options] { return FeatureRun(*options).run(); }};
}

}  // namespace alx::cli
