#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <limits>

#include "core/error.h"
#include "core/file_reader.h"
#include "core/mapped_file.h"
#include "core/path.h"

namespace alx {

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const FileReader file(path);  // the mapping outlives it
  check(file.size() <= std::numeric_limits<size_t>::max(), Code::unsupported, path,
        " is larger than this machine can map");
  const auto size = static_cast<size_t>(file.size());
  if (size == 0) return;  // an empty mapping does not exist
  const void* address =
      mmap(nullptr, size, PROT_READ, MAP_SHARED, static_cast<int>(file.handle()), 0);
  if (address == MAP_FAILED) fail(Code::io, "cannot map ", path, ": ", reason(errno));
  bytes_ = {static_cast<const std::byte*>(address), size};
}

MappedFile::~MappedFile() {
  if (!bytes_.empty() && owned_.empty())
    munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

void MappedFile::release(std::span<const std::byte> part) const {
  if (!owned_.empty()) return;
  const auto begin = reinterpret_cast<uintptr_t>(part.data()), end = begin + part.size();
  const auto base = reinterpret_cast<uintptr_t>(bytes_.data());
  // a tensor that was unpacked
  if (part.empty() || begin < base || end > base + bytes_.size()) return;
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
  if (first < last) madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

}  // namespace alx
