#include <dlfcn.h>

#include <filesystem>

#include "core/module_path.h"

namespace alx {

std::string module_path() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<void*>(&module_path), &info) == 0 || !info.dli_fname) return "";
  // For a program started through PATH the loader knows only the bare name.
  std::error_code ignored;
  const std::filesystem::path named(info.dli_fname);
  return named.has_parent_path() ? std::filesystem::canonical(named, ignored).string()
                                 : program_path();
}

std::string program_path() {
  std::error_code ignored;
  return std::filesystem::read_symlink("/proc/self/exe", ignored).string();
}

}  // namespace alx
