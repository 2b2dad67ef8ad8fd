#include "core/file_reader.h"

#include <windows.h>

#include <algorithm>

#include "core/error.h"
#include "core/set_aside_windows.h"
#include "core/windows_text.h"

namespace alx {
namespace {

constexpr size_t most_at_once = size_t{1} << 30;  // a DWORD counts the bytes of one call

HANDLE handle_of(intptr_t file) { return reinterpret_cast<HANDLE>(file); }

uint64_t size_of(HANDLE file, const std::string& path) {
  check(GetFileType(file) == FILE_TYPE_DISK, Code::io, "cannot read ", path,
        ": it is not a regular file");
  LARGE_INTEGER size;
  if (GetFileSizeEx(file, &size) == 0)
    fail(Code::io, "cannot read the size of ", path, ": ", last_error());
  return static_cast<uint64_t>(size.QuadPart);
}

}  // namespace

FileReader::FileReader(const std::string& path) : path_(path) {
  const std::wstring wide = to_wide(path);
  const DWORD attributes = GetFileAttributesW(wide.c_str());
  const bool folder =
      attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
  check(!folder, Code::io, "cannot read ", path, ": it is a folder; give a file in it");
  // Others may delete or rename the file meanwhile, but not write to it.
  HANDLE file = CreateFileW(wide.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE,
                            nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) {
    const DWORD error = GetLastError();
    const bool absent = error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ||
                        error == ERROR_INVALID_NAME;
    SetLastError(error);
    fail(absent ? Code::not_found : Code::io, "cannot open ", path, ": ", last_error());
  }
  try {
    size_ = size_of(file, path);
  } catch (...) {
    CloseHandle(file);
    throw;
  }
  file_ = reinterpret_cast<intptr_t>(file);
}

FileReader::~FileReader() {
  CloseHandle(handle_of(file_));
  delete_what_can_be();
}

size_t FileReader::read(uint64_t offset, std::span<std::byte> into) const {
  size_t done = 0;
  while (done < into.size()) {
    const uint64_t at = offset + done;
    OVERLAPPED where{};
    where.Offset = static_cast<DWORD>(at);
    where.OffsetHigh = static_cast<DWORD>(at >> 32);
    DWORD got = 0;
    const auto wanted = static_cast<DWORD>(std::min(into.size() - done, most_at_once));
    if (ReadFile(handle_of(file_), into.data() + done, wanted, &got, &where) == 0) {
      if (GetLastError() == ERROR_HANDLE_EOF) break;
      fail(Code::io, path_, ": reading failed at byte ", at, ": ", last_error());
    }
    if (got == 0) break;
    done += got;
  }
  return done;
}

}  // namespace alx
