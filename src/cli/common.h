// What the commands share: options, messages, and output.
#pragma once
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "graph/bounds.h"
#include "network/session.h"

namespace alx::cli {

enum Exit : int { done = 0, failed = 1, wrong_usage = 2 };

using Json = nlohmann::ordered_json;

// Batches of `classify` and `eval`: large enough to keep a processor busy, small enough for any
// memory.
constexpr int64_t max_batch = 32;

constexpr const char* data_help =
    "A folder of class folders, or of train and test with them; an archive of them (tar); CIFAR-10 "
    "binary or idx files";

struct DeviceOptions {
  std::string devices = "cpu";
  int threads = 0;
};
SessionOptions session_options(const DeviceOptions& device, const std::string& precision = "fp32");
CLI::Option* add_model(CLI::App& command, std::string& model);
void add_device_options(CLI::App& command, DeviceOptions& options);
// What some device of this build takes. `more` ends the sentence of the help.
CLI::Option* add_precision(CLI::App& command, std::string& precision,
                           Phase phase = Phase::inference, const std::string& more = "");
void add_crops(CLI::App& command, int& crops);
void add_json(CLI::App& command, bool& json);
CLI::Option* add_plot(CLI::App& command, std::string& path, const std::string& what);
// A file to write, whose name has one of these endings.
CLI::Option* add_output(CLI::App& command, const std::string& name, std::string& path,
                        const std::string& what, const std::string& type,
                        std::vector<std::string> endings);
// One of these words; `type` stands for them in the help.
CLI::Option* add_choice(CLI::App& command, const std::string& name, std::string& word,
                        const std::string& what, const std::string& type,
                        std::vector<std::string> words);

// A number inside the bound, for Option::transform.
CLI::Validator within(const bounds::Whole& bound);
CLI::Validator within(const bounds::Real& bound);
// Options whose value must be a number inside the bounds, both included.
CLI::Option* add_whole(CLI::App& command, const std::string& name, int64_t& value,
                       const std::string& what, int64_t least, int64_t most);
CLI::Option* add_real(CLI::App& command, const std::string& name, double& value,
                      const std::string& what, double least, double most);
// One of these words, for Option::check.
CLI::Validator one_of(std::vector<std::string> words);

// As long as it lives the library's lines of information are shown too.
class ShownInformation {
 public:
  ShownInformation();
  ~ShownInformation();
  ShownInformation(const ShownInformation&) = delete;
  ShownInformation& operator=(const ShownInformation&) = delete;
};

// From here on messages bear the command's name, and the library's warnings are shown.
void begin_messages(const std::string& command);
// One line on stderr, safe from several threads; "alexnet COMMAND: " goes before it.
void message(const std::string& text);

// Throws where the file could not be written later; leaves nothing behind.
void check_writable(const std::string& path);

// Text from outside as it may be printed: no control characters.
std::string printable(const std::string& text);
std::string grouped(int64_t number);   // "60,965,224"
std::string bytes_text(double bytes);  // "244 MB"

// The first row is the heading. Columns are set left, or right where `right` has an 'r' at their
// place.
void print_table(const std::vector<std::vector<std::string>>& rows, const std::string& right);

Exit print_json(const Json& json);  // returns done

}  // namespace alx::cli
