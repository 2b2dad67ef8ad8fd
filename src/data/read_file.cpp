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

// How much to read at first: the file's size and one byte more, so that its end shows at once.
size_t first_guess(const std::string& path, const fs::path& file) {
  std::error_code error;
  const fs::file_status status = fs::status(file, error);
  if (status.type() == fs::file_type::not_found) {
    check(!path.empty(), Code::not_found, "the file's name is empty");
    fail(Code::not_found, path, ": no such file; check the path");
  }
  check(!error, Code::io, path, ": cannot be looked at: ", reason(error));
  check(!fs::is_directory(status), Code::bad_file, path, ": is a folder where a file was expected; name a file in it");
  check(fs::is_regular_file(status) || fs::is_fifo(status), Code::bad_file, path,
        ": is a device or socket where a file was expected");
  const uintmax_t size = fs::is_fifo(status) ? 0 : fs::file_size(file, error);
  return static_cast<size_t>(std::clamp<uintmax_t>(error ? 0 : size, 65535, max_file_bytes)) + 1;
}

}  // namespace

std::vector<std::byte> read_file(const std::string& path) {
  const fs::path file = to_path(path);
  std::vector<std::byte> bytes(first_guess(path, file));
  errno = 0;
  std::ifstream in;
  in.imbue(std::locale::classic());  // the host's might change bytes on their way
  in.open(file, std::ios::binary);
  check(in.is_open(), Code::io, path, ": cannot be opened: ", std::generic_category().message(errno));
  size_t used = 0;
  while (true) {
    in.read(reinterpret_cast<char*>(bytes.data() + used), static_cast<std::streamsize>(bytes.size() - used));
    used += static_cast<size_t>(in.gcount());
    if (!in) break;
    check(used <= static_cast<size_t>(max_file_bytes), Code::bad_file, path, ": is larger than ", max_file_bytes,
          " bytes, the most that is read");
    bytes.resize(bytes.size() * 2);
  }
  check(in.eof(), Code::io, path, ": reading failed after ", used, " bytes: ", std::generic_category().message(errno));
  bytes.resize(used);
  return bytes;
}

}  // namespace alx
