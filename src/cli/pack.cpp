#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/commands.h"
#include "cli/system.h"
#include "cli/terminal.h"
#include "core/error.h"
#include "data/pack.h"

namespace alx::cli {
namespace {

struct PackCommand {
  std::string data, out, part = "train", as = "jpeg";
  int64_t size = 256, quality = 95, threads = 0;
  bool json = false;
};

int pack(const PackCommand& command) {
  check_writable(command.out);
  const auto data = Dataset::open(command.data, command.part);
  catch_stop_signals();
  ProgressBar bar(std::cerr, terminal_of(stderr), static_cast<uint64_t>(data->size()));
  PackOptions options;
  options.size = command.size;
  options.raw = command.as == "raw";
  options.quality = static_cast<int>(command.quality);
  options.threads = static_cast<int>(command.threads);
  options.on_broken = [&](const std::string&, const std::string& why) {
    bar.clear();
    message("warning: skipped: " + why);
  };
  options.progress = [&](int64_t done, int64_t of) {
    check(!stop_requested(), Code::cancelled, "stopped after ", grouped(done), " of ", grouped(of),
          " pictures; ", command.out, " is not written");
    bar.set(static_cast<uint64_t>(done), "pictures");
  };
  const Packed packed = pack_dataset(*data, command.out, options);
  bar.clear();
  if (command.json)
    return print_json({{"images", packed.pictures},
                       {"skipped", packed.broken},
                       {"classes", data->classes().size()},
                       {"size", command.size},
                       {"out", command.out}});
  std::cout << printable(command.out) << ": " << grouped(packed.pictures)
            << (packed.pictures == 1 ? " picture of " : " pictures of ") << data->classes().size()
            << " classes, " << command.size << " x " << command.size << ", " << command.as;
  if (packed.broken > 0) std::cout << "; " << grouped(packed.broken) << " could not be read";
  std::cout << '\n';
  return done;
}

}  // namespace

Command add_pack(CLI::App& program) {
  CLI::App* app = program.add_subcommand("pack",
                                         "Write a set's pictures, small and square, into one "
                                         "archive that --data takes: training reads it faster");
  const auto command = std::make_shared<PackCommand>();
  app->add_option("DIR", command->data, data_help)->required()->type_name("");
  add_output(*app, "--out", command->out, "The archive to write", "FILE.tar", {".tar"})->required();
  add_choice(*app, "--part", command->part, "Of a set of two parts, the one to take", "train|test",
             {"train", "test"});
  add_choice(*app, "--as", command->as,
             "How pictures are stored: jpeg is several times smaller, raw is not decoded again",
             "jpeg|raw", {"jpeg", "raw"});
  add_whole(*app, "--size", command->size,
            "Pixels a side: the short side is resized to it, the centre is kept", 1, 4096)
      ->capture_default_str();
  add_whole(*app, "--quality", command->quality, "Of jpeg", 1, 100)->capture_default_str();
  add_whole(*app, "--threads", command->threads, "Threads; 0: one for each core", 0, 1024)
      ->capture_default_str();
  add_json(*app, command->json);
  return {app, [command] { return pack(*command); }};
}

}  // namespace alx::cli
