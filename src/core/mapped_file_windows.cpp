#include <windows.h>

#include <limits>

#include "core/error.h"
#include "core/file_reader.h"
#include "core/mapped_file.h"
#include "core/set_aside_windows.h"
#include "core/windows_text.h"

namespace alx {
namespace {

// Closes on the way out; what is mapped outlives it.
struct Closing {
  HANDLE handle;
  ~Closing() { CloseHandle(handle); }
};

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const FileReader file(path);
  check(file.size() <= std::numeric_limits<size_t>::max(), Code::unsupported, path,
        " is larger than this machine can map");
  if (file.size() == 0) return;  // an empty mapping does not exist
  HANDLE mapping = CreateFileMappingW(reinterpret_cast<HANDLE>(file.handle()), nullptr,
                                      PAGE_READONLY, 0, 0, nullptr);
  if (mapping == nullptr) fail(Code::io, "cannot map ", path, ": ", last_error());
  const Closing closing_mapping{mapping};
  const void* address = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
  if (address == nullptr) fail(Code::io, "cannot map ", path, ": ", last_error());
  bytes_ = {static_cast<const std::byte*>(address), static_cast<size_t>(file.size())};
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  UnmapViewOfFile(bytes_.data());
  delete_what_can_be();
}

void MappedFile::release(std::span<const std::byte> part) const {
  const auto begin = reinterpret_cast<uintptr_t>(part.data()),
             base = reinterpret_cast<uintptr_t>(bytes_.data());
  // a tensor that was unpacked
  if (part.empty() || begin < base || begin + part.size() > base + bytes_.size()) return;
  // Of pages that are not locked it says so, and takes them out of the working set, which is what
  // is wanted.
  VirtualUnlock(const_cast<std::byte*>(part.data()), part.size());
}

}  // namespace alx
