#include <windows.h>

#include "core/lock_file.h"
#include "core/process.h"
#include "core/windows_text.h"

namespace alx {
namespace {

constexpr DWORD readers = FILE_SHARE_READ | FILE_SHARE_DELETE;

std::string read_text(const std::filesystem::path& path) {
  const HANDLE file = CreateFileW(path.c_str(), GENERIC_READ, readers | FILE_SHARE_WRITE, nullptr,
                                  OPEN_EXISTING, 0, nullptr);
  if (file == INVALID_HANDLE_VALUE) return "";
  char text[512];
  DWORD length = 0;
  if (ReadFile(file, text, sizeof text, &length, nullptr) == 0) length = 0;
  CloseHandle(file);
  return {text, length};
}

}  // namespace

std::string host_name() {
  wchar_t name[256];
  DWORD length = sizeof name / sizeof name[0];
  return GetComputerNameW(name, &length) != 0 ? to_utf8(std::wstring_view(name, length))
                                              : "unknown";
}

LockFile::LockFile(const std::filesystem::path& path) : path_(path), process_(process_id()) {}

// Open for writing by one handle at a time; the system deletes it with that handle.
LockFile::LockFile(const std::filesystem::path& path, const std::string& text) : LockFile(path) {
  const HANDLE file =
      CreateFileW(path.c_str(), GENERIC_WRITE | DELETE, readers, nullptr, CREATE_ALWAYS,
                  FILE_ATTRIBUTE_NORMAL | FILE_FLAG_DELETE_ON_CLOSE, nullptr);
  if (file == INVALID_HANDLE_VALUE) {
    if (GetLastError() != ERROR_SHARING_VIOLATION) return;
    state_ = State::busy;
    owner_ = read_text(path);
    return;
  }
  file_ = reinterpret_cast<intptr_t>(file);
  state_ = State::held;
  DWORD written = 0;
  (void)WriteFile(file, text.data(), static_cast<DWORD>(text.size()), &written, nullptr);
}

LockFile::~LockFile() {
  if (state_ == State::held) CloseHandle(reinterpret_cast<HANDLE>(file_));
}

}  // namespace alx
