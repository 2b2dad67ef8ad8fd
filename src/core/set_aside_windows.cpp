#include "core/set_aside_windows.h"

#include <windows.h>

#include <mutex>
#include <vector>

namespace alx {
namespace {

struct SetAside {
  std::mutex mutex;
  std::vector<std::filesystem::path> files;
};

// Never destroyed: a host program may unmap its last file while statics are.
SetAside& all() {
  static SetAside& set_aside = *new SetAside;
  return set_aside;
}

}  // namespace

void delete_later(const std::filesystem::path& file) {
  const std::lock_guard lock(all().mutex);
  all().files.push_back(file);
}

void delete_what_can_be() {
  const std::lock_guard lock(all().mutex);
  std::erase_if(all().files,
                [](const std::filesystem::path& file) { return DeleteFileW(file.c_str()) != 0; });
}

}  // namespace alx
