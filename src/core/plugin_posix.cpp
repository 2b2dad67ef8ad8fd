#include <dlfcn.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "core/error.h"
#include "core/module_path.h"
#include "core/path.h"
#include "core/plugin.h"
#include "core/text.h"

namespace alx {
namespace {

namespace fs = std::filesystem;

// Beside the shared library, and for a program that holds the library itself in the tree's lib; not
// by the run path: the caller's is not used where a sanitizer stands between.
std::vector<std::string> plugin_places(const std::string& file) {
  std::vector<std::string> places;
  const auto add = [&](const fs::path& folder) {
    std::string place = to_utf8((folder / to_path(file)).lexically_normal());
    if (std::find(places.begin(), places.end(), place) == places.end())
      places.push_back(std::move(place));
  };
  if (const std::string module = module_path(); !module.empty()) {
    const fs::path folder = to_path(module).parent_path();
    add(folder / "alexnet");
    add(folder);
    add(folder.parent_path() / "lib" / "alexnet");
    add(folder.parent_path() / ALEXNET_LIBDIR / "alexnet");
  }
  add(fs::path(ALEXNET_FULL_LIBDIR) / "alexnet");
  return places;
}

std::string loader_says() {
  const char* reason = dlerror();
  return reason != nullptr ? reason : "no reason given";
}

}  // namespace

void* open_system_library(const char* file, std::string& reason) {
  void* library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) reason = loader_says();
  return library;
}

void* function_of(void* library, const char* name) { return dlsym(library, name); }

void* plugin_function(const std::string& file, const char* name, std::string& reasons) {
  const std::vector<std::string> places = plugin_places(file);
  for (const std::string& place : places) {
    std::error_code ignored;
    if (!fs::exists(to_path(place), ignored)) continue;
    void* library = open_system_library(place.c_str(), reasons);
    if (library == nullptr) return nullptr;
    void* found = function_of(library, name);
    if (found == nullptr) reasons = cat(place, " is of another version");
    return found;
  }
  reasons = cat("there is none of ", joined(places));
  return nullptr;
}

}  // namespace alx
