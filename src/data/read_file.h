// Whole files into memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace alx {

constexpr int64_t max_file_bytes = int64_t{1} << 30;

// The bytes of a file or pipe. Throws not_found, bad_file for folders and devices, io; and bad_file over
// max_file_bytes.
std::vector<std::byte> read_file(const std::string& path);

// The same for a file that may be packed with gzip. Built without zlib, a packed one throws unsupported.
std::vector<std::byte> read_gzip_file(const std::string& path);

}  // namespace alx
