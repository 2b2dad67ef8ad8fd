// Whole files into memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/limits.h"

namespace alx {

// The bytes of a file or pipe. Throws not_found, bad_file for folders and devices, io; and bad_file
// over limits.bytes.
std::vector<std::byte> read_file(const std::string& path, const Limits& limits = {});

// The same for a file that may be packed with gzip and whose first bytes, `header` of them, tell
// how many there are in all: `whole_size` answers that, or throws. Nothing beyond is unpacked. A
// file without a whole header is given as it is. Built without zlib, a packed one throws
// unsupported.
using WholeSize = std::function<uint64_t(std::span<const std::byte> header)>;
std::vector<std::byte> read_gzip_file(const std::string& path, size_t header,
                                      const WholeSize& whole_size, const Limits& limits = {});

}  // namespace alx
