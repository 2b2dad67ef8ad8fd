#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "backends/registry.h"
#include "cli/commands.h"
#include "core/text.h"

namespace alx::cli {
namespace {

int devices(bool json) {
  Json list = Json::array();
  std::vector<std::vector<std::string>> rows{{"device", "usable", "infers in", "trains in", ""}},
      libraries{{"library", "version", "file"}};
  for (const DeviceInfo& device : list_devices()) {
    const auto& [key, text] = device.usable ? std::pair("description", device.description)
                                            : std::pair("reason", device.reason);
    list.push_back({{"name", device.name}, {"usable", device.usable}, {key, text}});
    if (device.usable)
      list.back()["precisions"] = {{"infer", names_of(device.inference)},
                                   {"train", names_of(device.training)}};
    rows.push_back({device.name, device.usable ? "yes" : "no", joined(names_of(device.inference)),
                    joined(names_of(device.training)), printable(text)});
    for (const auto& [name, version, file] : device.libraries) {
      list.back()["libraries"].push_back({{"name", name}, {"version", version}, {"file", file}});
      const std::vector<std::string> row{name, version, printable(file)};
      // GPUs share them
      if (std::count(libraries.begin(), libraries.end(), row) == 0) libraries.push_back(row);
    }
  }
  if (json) return print_json(list);
  print_table(rows, "");
  if (libraries.size() == 1) return done;
  std::cout << '\n';
  print_table(libraries, "");
  return done;
}

}  // namespace

Command add_devices(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "devices", "List what networks can run on, and why a device cannot be used");
  const auto json = std::make_shared<bool>(false);
  add_json(*app, *json);
  return {app, [json] { return devices(*json); }};
}

}  // namespace alx::cli
