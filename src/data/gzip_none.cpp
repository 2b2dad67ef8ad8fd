// Builds without zlib.
#include "core/error.h"
#include "data/read_file.h"

namespace alx {

std::vector<std::byte> read_gzip_file(const std::string& path, size_t, const WholeSize&,
                                      const Limits& limits) {
  std::vector<std::byte> bytes = read_file(path, limits);
  const bool packed =
      bytes.size() >= 2 && bytes[0] == std::byte{0x1f} && bytes[1] == std::byte{0x8b};
  check(!packed, Code::unsupported, path,
        ": is packed with gzip, and this build has no zlib; unpack it with gunzip");
  return bytes;
}

}  // namespace alx
