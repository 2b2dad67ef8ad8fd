// Finds the entries of a zip archive that are stored without compression, so that they can be used
// where they lie. No library offers that. Zip64 is understood. Internal to src/weights.
#pragma once
#include <map>
#include <span>
#include <string>

namespace alx {

// Name -> bytes inside `archive`. Throws bad_file or unsupported with `path` in the text.
std::map<std::string, std::span<const std::byte>> stored_entries(std::span<const std::byte> archive,
                                                                 const std::string& path);

}  // namespace alx
