// The program `alexnet`.
#include <algorithm>
#include <iostream>
#include <iterator>
#include <new>
#include <string>
#include <string_view>
#include <vector>

#include "cli/commands.h"
#include "cli/system.h"
#include "core/error.h"

namespace alx::cli {
namespace {

// Answers --help and --version, else says in one line what is wrong.
int explain(const CLI::App& program, const CLI::ParseError& error) {
  if (error.get_exit_code() == 0) return program.exit(error);
  const auto used = program.get_subcommands();
  begin_messages(used.empty() ? "" : used.front()->get_name());
  message(cat(error.what(), "; see `alexnet ", used.empty() ? "" : used.front()->get_name() + " ",
              "--help`"));
  return wrong_usage;
}

// CLI11 would only say that a command is missing.
void check_command(const std::vector<std::string>& arguments,
                   const std::vector<Command>& commands) {
  std::string known;
  for (const Command& command : commands) {
    if (!arguments.empty() && command.app->get_name() == arguments[0]) return;
    known += (known.empty() ? "" : ", ") + command.app->get_name();
  }
  constexpr std::string_view answered[] = {"-h", "--help", "--version"};
  if (!arguments.empty() &&
      std::find(std::begin(answered), std::end(answered), arguments[0]) != std::end(answered))
    return;
  throw CLI::ValidationError(
      arguments.empty() ? cat("name a command: ", known)
                        : cat("no command is named '", arguments[0], "'; there are ", known));
}

int run(const Command& command) {
  begin_messages(command.app->get_name());
  try {
    const int code = command.run();
    std::cout.flush();
    check(std::cout.good(), Code::io, "the output could not be written; is the disk full?");
    return code;
  } catch (const CLI::ParseError&) {
    throw;
  } catch (const std::bad_alloc&) {
    message("out of memory; a smaller batch or picture needs less");
  } catch (const std::exception& error) {
    message(error.what());
  }
  return failed;
}

int main_of(std::vector<std::string> arguments) {
  const Console console;
  CLI::App program("Trains and runs the networks of the AlexNet family.", "alexnet");
  program.require_subcommand(1);
  program.set_version_flag("--version", "alexnet " ALEXNET_VERSION);
  program.footer(
      "`alexnet COMMAND --help` explains a command. Exit codes: 0 done, 1 failed, 2 wrong usage.");
  const std::vector<Command> commands{
      add_classify(program), add_train(program),  add_eval(program),    add_info(program),
      add_convert(program),  add_verify(program), add_devices(program), add_bench(program),
      add_features(program), add_search(program), add_kernels(program), add_pack(program)};
  try {
    check_command(arguments, commands);
    std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes them
    program.parse(std::move(arguments));
    return run(*std::find_if(commands.begin(), commands.end(),
                             [](const Command& c) { return c.app->parsed(); }));
  } catch (const CLI::ParseError& error) {
    return explain(program, error);
  }
}

}  // namespace
}  // namespace alx::cli

int main(int argc, char** argv) { return alx::cli::main_of(alx::arguments_of(argc, argv)); }
