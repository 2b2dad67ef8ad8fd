#include <memory>

#include "cli/commands.h"
#include "core/error.h"
#include "network/convert.h"
#include "network/session.h"

namespace alx::cli {
namespace {

struct ConvertCommand {
  std::string in, out, model, type;
  bool plain = false;
};

int convert(const ConvertCommand& command) {
  check_writable(command.out);
  ConvertOptions options;
  options.network = command.model;
  if (!command.type.empty()) options.stored = stored_type(precision_named(command.type));
  options.plain = command.plain;
  const auto model = convert_weights(command.in, command.out, options);
  message(cat("wrote ", command.out, ": ", model->spec().id, ", ", model->spec().classes,
              " classes", command.plain ? ", weights alone" : ""));
  return done;
}

}  // namespace

Command add_convert(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "convert", "Turn a weight file of any kind into this library's safetensors");
  const auto command = std::make_shared<ConvertCommand>();
  app->add_option("IN", command->in, "A weight file, checkpoint, or torchvision's .pth")
      ->required()
      ->type_name("");
  add_output(*app, "OUT", command->out, "The file to write (.safetensors)", "", {".safetensors"})
      ->required();
  app->add_option("--model", command->model, "The network of a file that does not say it")
      ->type_name("NAME|net.json");
  add_choice(*app, "--dtype", command->type,
             "Stored type: fp32, fp16 or bf16; without it, as in IN", "TYPE",
             {"fp32", "fp16", "bf16"});
  app->add_flag("--plain", command->plain,
                "Weights alone, as Python's strict load_state_dict takes them");
  return {app, [command] { return convert(*command); }};
}

}  // namespace alx::cli
