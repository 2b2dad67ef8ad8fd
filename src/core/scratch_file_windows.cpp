#include <windows.h>

#include <algorithm>
#include <filesystem>
#include <random>

#include "core/error.h"
#include "core/path.h"
#include "core/scratch_file.h"
#include "core/windows_text.h"

namespace alx {
namespace {

constexpr size_t most_of_one_call = size_t{1} << 30;  // a DWORD counts the bytes of one call

HANDLE scratch_handle(intptr_t file) { return reinterpret_cast<HANDLE>(file); }

[[noreturn]] void refuse_scratch(const std::string& folder, const char* doing) {
  const std::string why = last_error();
  fail(Code::io, "a temporary file in ", folder, ": ", doing, ": ", why);
}

OVERLAPPED place_of(uint64_t offset) {
  OVERLAPPED place{};
  place.Offset = static_cast<DWORD>(offset);
  place.OffsetHigh = static_cast<DWORD>(offset >> 32);
  return place;
}

}  // namespace

ScratchFile::ScratchFile(const std::string& folder) : folder_(folder) {
  std::error_code error;
  if (folder_.empty()) folder_ = to_utf8(std::filesystem::temp_directory_path(error));
  check(!error, Code::io, "the system's folder for temporary files cannot be found");
  std::random_device device;
  HANDLE file = INVALID_HANDLE_VALUE;
  for (int attempt = 0; file == INVALID_HANDLE_VALUE; ++attempt) {
    const auto name = to_path(folder_) / cat(".alexnet-", device(), "-", device(), ".tmp");
    file = CreateFileW(name.c_str(), GENERIC_READ | GENERIC_WRITE, 0, nullptr, CREATE_NEW,
                       FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, nullptr);
    if (file == INVALID_HANDLE_VALUE && (GetLastError() != ERROR_FILE_EXISTS || attempt == 100))
      refuse_scratch(folder_, "it cannot be made");
  }
  file_ = reinterpret_cast<intptr_t>(file);
}

ScratchFile::~ScratchFile() { CloseHandle(scratch_handle(file_)); }

void ScratchFile::write(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    OVERLAPPED place = place_of(offset);
    DWORD written = 0;
    const auto wanted = static_cast<DWORD>(std::min(bytes.size(), most_of_one_call));
    if (WriteFile(scratch_handle(file_), bytes.data(), wanted, &written, &place) == 0 ||
        written == 0)
      refuse_scratch(folder_, "writing failed");
    bytes = bytes.subspan(written);
    offset += written;
  }
}

void ScratchFile::read(uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    OVERLAPPED place = place_of(offset);
    DWORD got = 0;
    const auto wanted = static_cast<DWORD>(std::min(into.size(), most_of_one_call));
    if (ReadFile(scratch_handle(file_), into.data(), wanted, &got, &place) == 0 || got == 0)
      refuse_scratch(folder_, "reading failed");
    into = into.subspan(got);
    offset += got;
  }
}

}  // namespace alx
