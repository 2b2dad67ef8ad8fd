#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <limits>
#include <system_error>

#include "core/error.h"
#include "core/mapped_file.h"
#include "core/path.h"

namespace alx {
namespace {

// Closes on the way out; the mapping outlives the descriptor.
struct Closing {
  int file;
  ~Closing() { close(file); }
};

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  // Not blocking: a named pipe must be refused, not waited for.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) {
    const int error = errno;
    fail(error == ENOENT || error == ENOTDIR ? Code::not_found : Code::io, "cannot open ", path, ": ", reason(error));
  }
  const Closing closing{file};
  struct stat status {};
  if (fstat(file, &status) != 0) fail(Code::io, "cannot read the size of ", path, ": ", reason(errno));
  check(!S_ISDIR(status.st_mode), Code::io, "cannot read ", path, ": it is a folder; give a file in it");
  check(S_ISREG(status.st_mode), Code::io, "cannot read ", path, ": it is not a regular file and cannot be mapped");
  check(static_cast<uint64_t>(status.st_size) <= std::numeric_limits<size_t>::max(), Code::unsupported, path,
        " is larger than this machine can map");
  const auto size = static_cast<size_t>(status.st_size);
  if (size == 0) return;  // an empty mapping does not exist
  const void* address = mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  if (address == MAP_FAILED) fail(Code::io, "cannot map ", path, ": ", reason(errno));
  bytes_ = {static_cast<const std::byte*>(address), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty() && owned_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void MappedFile::release(std::span<const std::byte> part) const {
  if (!owned_.empty()) return;
  const auto begin = reinterpret_cast<uintptr_t>(part.data()), end = begin + part.size();
  const auto base = reinterpret_cast<uintptr_t>(bytes_.data());
  if (part.empty() || begin < base || end > base + bytes_.size()) return;  // a tensor that was unpacked
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace alx
