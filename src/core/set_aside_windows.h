// Files that are no longer wanted, but still mapped: Windows deletes none of those. Internal to the
// library.
#pragma once
#include <filesystem>

namespace alx {

void delete_later(const std::filesystem::path& file);
void delete_what_can_be();  // of those that were to be deleted later

}  // namespace alx
