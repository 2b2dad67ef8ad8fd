#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "core/error.h"
#include "network/session.h"

namespace alx::cli {
namespace {

struct VerifyOptions {
  std::string file;
  std::string device = "cpu";
  bool json = false;
};

int verify_file(const VerifyOptions& options) {
  const Verdict verdict = verify(options.file, options.device);
  const bool sound = verdict.faults.empty();
  if (options.json) {
    Json json{{"file", options.file},
              {"sound", sound},
              {"faults", verdict.faults},
              {"self_tested", verdict.self_test_error.has_value()}};
    json["self_test_error"] =
        verdict.self_test_error ? Json(*verdict.self_test_error) : Json(nullptr);
    print_json(json);
  } else {
    for (const std::string& fault : verdict.faults) std::cout << printable(fault) << '\n';
    if (sound)
      std::cout << printable(options.file) << ": sound; "
                << (verdict.self_test_error
                        ? cat("its self-test gives the recorded probabilities within ",
                              *verdict.self_test_error)
                        : std::string("it holds no self-test"))
                << '\n';
  }
  if (sound) return done;
  message(cat(options.file, " is not sound: ", verdict.faults.size(),
              verdict.faults.size() == 1 ? " fault" : " faults"));
  return failed;
}

}  // namespace

Command add_verify(CLI::App& program) {
  CLI::App* app = program.add_subcommand("verify",
                                         "Check a weight file: structure, checksums, values, fit "
                                         "to its network, and its recorded self-test");
  const auto options = std::make_shared<VerifyOptions>();
  app->add_option("FILE", options->file, "A weight file")->required()->type_name("");
  app->add_option("--device", options->device, "Where the self-test runs")
      ->type_name("NAME")
      ->capture_default_str();
  add_json(*app, options->json);
  return {app, [options] { return verify_file(*options); }};
}

}  // namespace alx::cli
