#include "cli/common.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <iostream>
#include <limits>
#include <nlohmann/json.hpp>

#include "backends/registry.h"
#include "cli/terminal.h"
#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"
#include "core/number.h"

namespace alx::cli {
namespace {

std::string command_name;  // set once, before any thread is started
std::atomic<bool> informs = false;

// Parsed here because CLI11 takes "010" for eight and lets NaN pass every bound.
template <class Number>
CLI::Validator number(const Bound<Number>& bound, const char* kind) {
  const auto parse = [bound, kind](std::string& text) -> std::string {
    const std::optional<Number> value = parse_number<Number>(text);
    if (!value || !bound.holds(*value))
      return cat("must be ", kind, " in ", bound.range(), ", got '", text, "'");
    if constexpr (std::is_integral_v<Number>) text = std::to_string(*value);
    return "";
  };
  return CLI::Validator(parse, "");
}

std::string alternatives(const std::vector<std::string>& words) {
  std::string text;
  for (size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 == words.size() ? " or " : ", ") + words[i];
  return text;
}

}  // namespace

CLI::Validator within(const bounds::Whole& bound) { return number(bound, "a whole number"); }
CLI::Validator within(const bounds::Real& bound) { return number(bound, "a number"); }

CLI::Option* add_model(CLI::App& command, std::string& model) {
  return command
      .add_option("--model", model,
                  "A weight file, or the network whose weights come with the library")
      ->type_name("NAME|FILE")
      ->capture_default_str();
}

SessionOptions session_options(const DeviceOptions& device, const std::string& precision) {
  SessionOptions options;
  options.devices = device.devices;
  options.threads = device.threads;
  options.precision = precision_named(precision);
  return options;
}

void add_device_options(CLI::App& command, DeviceOptions& options) {
  command
      .add_option("--device", options.devices,
                  "Where to run: cpu, cuda:0, or cuda:0,cuda:1 (see `alexnet devices`)")
      ->type_name("NAME")
      ->capture_default_str();
  command.add_option("--threads", options.threads, "Threads of the processor; 0: all cores")
      ->type_name("N")
      ->transform(within(bounds::threads))
      ->capture_default_str();
}

CLI::Option* add_precision(CLI::App& command, std::string& precision, Phase phase,
                           const std::string& more) {
  const std::vector<Precision> offered = offered_precisions(phase);
  return add_choice(command, "--precision", precision,
                    "Arithmetic: " + list_of(offered, "or") + more +
                        "; `alexnet devices` tells what each device takes",
                    "TYPE", names_of(offered));
}

void add_crops(CLI::App& command, int& crops) {
  command
      .add_option("--crops", crops,
                  "1: the centre of the picture; 10: the mean over the paper's ten crops")
      ->type_name("1|10")
      ->check(one_of({"1", "10"}))
      ->capture_default_str();
}

void add_json(CLI::App& command, bool& json) {
  command.add_flag("--json", json, "Print one JSON document and nothing else");
}

CLI::Option* add_plot(CLI::App& command, std::string& path, const std::string& what) {
  return add_output(command, "--plot", path, what + " (.png or .svg)", "FILE", {".png", ".svg"});
}

CLI::Option* add_output(CLI::App& command, const std::string& name, std::string& path,
                        const std::string& what, const std::string& type,
                        std::vector<std::string> endings) {
  const auto find = [endings = std::move(endings)](std::string& text) -> std::string {
    const auto fits = [&](const std::string& ending) {
      return text.size() > ending.size() && text.ends_with(ending);
    };
    if (std::any_of(endings.begin(), endings.end(), fits)) return "";
    return cat("must end in ", alternatives(endings), ", got '", text, "'");
  };
  return command.add_option(name, path, what)->type_name(type)->check(CLI::Validator(find, ""));
}

CLI::Option* add_choice(CLI::App& command, const std::string& name, std::string& word,
                        const std::string& what, const std::string& type,
                        std::vector<std::string> words) {
  return command.add_option(name, word, what)
      ->type_name(type)
      ->check(one_of(std::move(words)))
      ->capture_default_str();
}

CLI::Option* add_whole(CLI::App& command, const std::string& name, int64_t& value,
                       const std::string& what, int64_t least, int64_t most) {
  return command.add_option(name, value, what)
      ->type_name("N")
      ->transform(within(bounds::Whole{"", least, most}));
}

CLI::Option* add_real(CLI::App& command, const std::string& name, double& value,
                      const std::string& what, double least, double most) {
  return command.add_option(name, value, what)
      ->type_name("X")
      ->transform(within(bounds::Real{"", least, most}));
}

CLI::Validator one_of(std::vector<std::string> words) {
  const auto find = [words = std::move(words)](std::string& text) -> std::string {
    if (std::find(words.begin(), words.end(), text) != words.end()) return "";
    return cat("must be ", alternatives(words), ", got '", text, "'");
  };
  return CLI::Validator(find, "");
}

ShownInformation::ShownInformation() { informs = true; }
ShownInformation::~ShownInformation() { informs = false; }

void begin_messages(const std::string& command) {
  command_name = command;
  set_log_sink([](LogLevel level, const std::string& line) {
    if (level == LogLevel::info && informs) message(line);
    if (level == LogLevel::warning) message("warning: " + line);
    if (level == LogLevel::error) message(line);
  });
}

void message(const std::string& text) {
  static const bool live = terminal_of(stderr).live;
  // Takes a progress bar's line away; the bar draws itself again.
  const std::string clear = live ? "\r\x1b[K" : "";
  const std::string line = clear + "alexnet" + (command_name.empty() ? "" : " " + command_name) +
                           ": " + printable(text) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
}

void check_writable(const std::string& path) { AtomicFile(path, 0); }

std::string printable(const std::string& text) {
  return fitted(text, std::numeric_limits<int>::max(), true);
}

std::string grouped(int64_t number) {
  std::string digits = std::to_string(number);
  const size_t first = number < 0 ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string bytes_text(double bytes) {
  if (bytes < 1e3) return fixed(bytes, 0) + " B";
  if (bytes < 1e6) return fixed(bytes / 1e3, bytes < 1e4 ? 1 : 0) + " kB";
  if (bytes < 1e9) return fixed(bytes / 1e6, bytes < 1e7 ? 1 : 0) + " MB";
  return fixed(bytes / 1e9, 1) + " GB";
}

void print_table(const std::vector<std::vector<std::string>>& rows, const std::string& right) {
  std::vector<int> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], columns_of(row[i]));
  }
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string gap(static_cast<size_t>(widths[i] - columns_of(row[i])), ' ');
      const bool to_right = i < right.size() && right[i] == 'r';
      line += (i == 0 ? "" : "  ") + (to_right ? gap + row[i] : row[i] + gap);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    std::cout << line << '\n';
  }
}

Exit print_json(const Json& json) {
  // A file's name need not be UTF-8, JSON must be.
  std::cout << json.dump(2, ' ', false, Json::error_handler_t::replace) << '\n';
  return done;
}

}  // namespace alx::cli
