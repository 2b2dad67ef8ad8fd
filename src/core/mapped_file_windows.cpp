#include <windows.h>

#include <limits>

#include "core/error.h"
#include "core/mapped_file.h"
#include "core/set_aside_windows.h"
#include "core/windows_text.h"

namespace alx {
namespace {

// Closes on the way out; the mapping outlives the handles.
struct Closing {
  HANDLE handle;
  ~Closing() { CloseHandle(handle); }
};

}  // namespace

MappedFile::MappedFile(const std::string& path) : path_(path) {
  const std::wstring wide = to_wide(path);
  const DWORD attributes = GetFileAttributesW(wide.c_str());
  const bool folder = attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
  check(!folder, Code::io, "cannot read ", path, ": it is a folder; give a file in it");
  // Others may delete or rename the file meanwhile, but not write to it.
  HANDLE file = CreateFileW(wide.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, nullptr, OPEN_EXISTING,
                            FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) {
    const DWORD error = GetLastError();
    const bool absent = error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND || error == ERROR_INVALID_NAME;
    SetLastError(error);
    fail(absent ? Code::not_found : Code::io, "cannot open ", path, ": ", last_error());
  }
  const Closing closing{file};
  check(GetFileType(file) == FILE_TYPE_DISK, Code::io, "cannot read ", path,
        ": it is not a regular file and cannot be mapped");
  LARGE_INTEGER size;
  if (GetFileSizeEx(file, &size) == 0) fail(Code::io, "cannot read the size of ", path, ": ", last_error());
  check(static_cast<uint64_t>(size.QuadPart) <= std::numeric_limits<size_t>::max(), Code::unsupported, path,
        " is larger than this machine can map");
  if (size.QuadPart == 0) return;  // an empty mapping does not exist
  HANDLE mapping = CreateFileMappingW(file, nullptr, PAGE_READONLY, 0, 0, nullptr);
  if (mapping == nullptr) fail(Code::io, "cannot map ", path, ": ", last_error());
  const Closing closing_mapping{mapping};
  const void* address = MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
  if (address == nullptr) fail(Code::io, "cannot map ", path, ": ", last_error());
  bytes_ = {static_cast<const std::byte*>(address), static_cast<size_t>(size.QuadPart)};
}

MappedFile::~MappedFile() {
  if (bytes_.empty()) return;
  UnmapViewOfFile(bytes_.data());
  delete_what_can_be();
}

void MappedFile::release(std::span<const std::byte> part) const {
  const auto begin = reinterpret_cast<uintptr_t>(part.data()), base = reinterpret_cast<uintptr_t>(bytes_.data());
  if (part.empty() || begin < base || begin + part.size() > base + bytes_.size()) return;  // a tensor that was unpacked
  // Of pages that are not locked it says so, and takes them out of the working set, which is what is wanted.
  VirtualUnlock(const_cast<std::byte*>(part.data()), part.size());
}

}  // namespace alx
