#include "network/bundled.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/error.h"
#include "core/log.h"
#include "core/module_path.h"
#include "core/path.h"
#include "core/text.h"
#include "models/zoo.h"

namespace alx {
namespace {

namespace fs = std::filesystem;

#ifdef _WIN32
std::vector<std::string> data_folders() { return {}; }
#else
std::string variable(const char* name, const std::string& usual) {
  const char* value = std::getenv(name);
  return value && *value != '\0' ? value : usual;
}

// Folders that a desktop keeps data in: the XDG Base Directory Specification, 0.8.
std::vector<std::string> data_folders() {
  const std::string home = variable("HOME", "");
  std::vector<std::string> folders{
      variable("XDG_DATA_HOME", home.empty() ? "" : home + "/.local/share")};
  for (std::string& folder :
       split(variable("XDG_DATA_DIRS", "/usr/local/share:/usr/share") + ":/usr/share", ':'))
    folders.push_back(std::move(folder));
  // as it demands
  std::erase_if(folders, [](const std::string& folder) { return !to_path(folder).is_absolute(); });
  return folders;
}
#endif

bool has_file(const std::string& path) {
  std::error_code ignored;
  return fs::is_regular_file(to_path(path), ignored);
}

}  // namespace

bool is_zoo_name(const std::string& name) {
  if (!in_zoo(name)) return false;
  if (has_file(name))
    log_line(LogLevel::warning,
             cat("'", name, "' means the library's network, not the file of that name here: ./",
                 name, " is the file"));
  return true;
}

std::vector<std::string> bundled_places() {
  std::vector<std::string> places;
  const auto add = [&](const fs::path& place) {
    std::string text = to_utf8(place);
    if (std::find(places.begin(), places.end(), text) == places.end())
      places.push_back(std::move(text));
  };
  const fs::path below = fs::path("share") / "alexnet";
  for (const std::string& file : {module_path(), program_path()}) {
    if (file.empty()) continue;
    const fs::path folder = to_path(file).parent_path();
    add(folder.parent_path() / below);
    add(folder.parent_path().parent_path() / below);  // lib/x86_64-linux-gnu
    add(folder);
  }
#ifdef ALEXNET_DATA_DIR
  add(to_path(ALEXNET_DATA_DIR));
#endif
  for (const std::string& folder : data_folders()) add(to_path(folder) / "alexnet");
  return places;
}

std::string bundled_weights(const std::string& name) {
  for (const std::string& place : bundled_places()) {
    const std::string file = to_utf8(to_path(place) / (name + ".safetensors"));
    if (has_file(file)) return file;
  }
  return "";
}

std::string weights_named(const std::string& file_or_name) {
  if (is_zoo_name(file_or_name)) {
    const std::string bundled = bundled_weights(file_or_name);
    check(!bundled.empty() || file_or_name != bundled_network, Code::not_found, "the weights of '",
          file_or_name, "', which come with the library, were not found: ", file_or_name,
          ".safetensors is in none of ", joined(bundled_places()),
          "; put it into one of them, or give its path");
    check(!bundled.empty(), Code::not_found, "no weights for '", file_or_name,
          "' come with the library: give a weight file (.safetensors or torchvision's .pth) "
          "instead of the name");
    return bundled;
  }
  std::error_code ignored;
  if (file_or_name.find_first_of("./\\") == std::string::npos &&
      !fs::exists(to_path(file_or_name), ignored)) {
    std::vector<std::string> known;
    for (const std::string& name : model_names())
      if (!bundled_weights(name).empty()) known.push_back(name);
    fail(Code::not_found, "'", file_or_name,
         "' is neither a file nor a network; there are: ", joined(model_names()),
         "; with weights: ", known.empty() ? "none here" : joined(known));
  }
  return file_or_name;  // opening it says what is wrong
}

}  // namespace alx
