#include <memory>
#include <nlohmann/json.hpp>

#include "backends/registry.h"
#include "cli/commands.h"

namespace alx::cli {
namespace {

void print_devices(bool json) {
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows{{"device", "usable", ""}};
  for (const DeviceInfo& device : list_devices()) {
    const auto& [key, text] =
        device.usable ? std::pair("description", device.description) : std::pair("reason", device.reason);
    list.push_back({{"name", device.name}, {"usable", device.usable}, {key, text}});
    rows.push_back({device.name, device.usable ? "yes" : "no", printable(text)});
  }
  if (json) return print_json(list);
  print_table(rows, "");
}

}  // namespace

Command add_devices(CLI::App& program) {
  CLI::App* app = program.add_subcommand("devices", "List what networks can run on, and why a device cannot be used");
  const auto json = std::make_shared<bool>(false);
  add_json(*app, *json);
  return {app, [json] {
            print_devices(*json);
            return done;
          }};
}

}  // namespace alx::cli
