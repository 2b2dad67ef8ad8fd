#include "data/read_file.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <locale>
#include <system_error>

#include "core/error.h"
#include "core/path.h"

namespace alx {
namespace fs = std::filesystem;
namespace {

uint64_t most(const Limits& limits) {
  return static_cast<uint64_t>(std::max<int64_t>(limits.bytes, 0));
}

// How much to read at first: the file's size and one byte more, so that its end shows at once.
size_t first_guess(const std::string& path, const fs::path& file, const Limits& limits) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) {
    check(!path.empty(), Code::not_found, "the file's name is empty");
    fail(Code::not_found, path, ": no such file; check the path");
  }
  check(!error, Code::io, path, ": cannot be looked at: ", reason(error));
  check(!fs::is_directory(status), Code::bad_file, path,
        ": is a folder where a file was expected; name a file in it");
  check(fs::is_regular_file(status) || fs::is_fifo(status), Code::bad_file, path,
        ": is a device or socket where a file was expected");
  const uintmax_t size = fs::is_fifo(status) ? 0 : fs::file_size(file, error);
  return static_cast<size_t>(
             std::min(std::max<uintmax_t>(error ? 0 : size, 65535), uintmax_t{most(limits)})) +
         1;
}

}  // namespace

std::vector<std::byte> read_file(const std::string& path, const Limits& limits) {
  const fs::path file = to_path(path);
  std::vector<std::byte> bytes(first_guess(path, file, limits));
  errno = 0;
  std::ifstream in;
  in.imbue(std::locale::classic());  // the host's might change bytes on their way
  in.open(file, std::ios::binary);
  check(in.is_open(), Code::io, path,
        ": cannot be opened: ", std::generic_category().message(errno));
  size_t used = 0;
  while (true) {
    in.read(reinterpret_cast<char*>(bytes.data() + used),
            static_cast<std::streamsize>(bytes.size() - used));
    used += static_cast<size_t>(in.gcount());
    if (!in) break;
    check(used <= most(limits), Code::bad_file, path, ": is larger than ", limits.bytes,
          " bytes, the most that is read");
    bytes.resize(
        static_cast<size_t>(std::min<uint64_t>(2 * uint64_t{bytes.size()}, most(limits) + 1)));
  }
  check(in.eof(), Code::io, path, ": reading failed after ", used,
        " bytes: ", std::generic_category().message(errno));
  bytes.resize(used);
  return bytes;
}

}  // namespace alx
