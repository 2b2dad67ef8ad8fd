#include "core/file_reader.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "core/error.h"
#include "core/path.h"

namespace alx {
namespace {

constexpr size_t most_at_once = size_t{1} << 30;  // Linux reads no more than 2 GiB by one call

uint64_t size_of(int file, const std::string& path) {
  struct stat status {};
  if (fstat(file, &status) != 0)
    fail(Code::io, "cannot read the size of ", path, ": ", reason(errno));
  check(!S_ISDIR(status.st_mode), Code::io, "cannot read ", path,
        ": it is a folder; give a file in it");
  check(S_ISREG(status.st_mode), Code::io, "cannot read ", path, ": it is not a regular file");
  return static_cast<uint64_t>(status.st_size);
}

}  // namespace

FileReader::FileReader(const std::string& path) : path_(path) {
  // Not blocking: a named pipe must be refused, not waited for.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    const int error = errno;
    fail(error == ENOENT || error == ENOTDIR ? Code::not_found : Code::io, "cannot open ", path,
         ": ", reason(error));
  }
  try {
    size_ = size_of(file, path);
  } catch (...) {
    close(file);
    throw;
  }
  file_ = file;
}

FileReader::~FileReader() { close(static_cast<int>(file_)); }

size_t FileReader::read(uint64_t offset, std::span<std::byte> into) const {
  size_t done = 0;
  while (done < into.size()) {
    const ssize_t got =
        pread(static_cast<int>(file_), into.data() + done,
              std::min(into.size() - done, most_at_once), static_cast<off_t>(offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0)
      fail(Code::io, path_, ": reading failed at byte ", offset + done, ": ", reason(errno));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

}  // namespace alx
