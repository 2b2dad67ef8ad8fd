#include <windows.h>

#include <algorithm>
#include <random>
#include <utility>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/path.h"
#include "core/set_aside_windows.h"
#include "core/windows_text.h"

namespace alx {
namespace {

bool move_over(const std::filesystem::path& from, const std::filesystem::path& to) {
  return MoveFileExW(from.c_str(), to.c_str(),
                     MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH) != 0;
}

unsigned draw() { return std::random_device()(); }

}  // namespace

struct AtomicFile::Impl {
  std::string path;  // as the caller named it, for messages
  std::filesystem::path target, temporary;
  HANDLE file = INVALID_HANDLE_VALUE;
  bool replaced = false;

  ~Impl() {
    if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
    if (!replaced && !temporary.empty()) DeleteFileW(temporary.c_str());
  }
  [[noreturn]] void refuse(const std::string& why) const {
    fail(Code::io, "cannot write ", path, ": ", why, "; the file is as it was before");
  }
  [[noreturn]] void refuse_with_reason(const std::string& doing) const {
    const std::string why = last_error();
    refuse(doing + ": " + why);
  }

  void find_target() {
    check(!path.empty(), Code::invalid_argument, "cannot write: the file's name is empty");
    const std::filesystem::path named = to_path(path);
    std::wstring full(32768, L'\0');  // the longest there is
    const DWORD length =
        GetFullPathNameW(named.c_str(), static_cast<DWORD>(full.size()), full.data(), nullptr);
    if (length == 0 || length >= full.size()) refuse_with_reason("its name cannot be read");
    full.resize(length);
    target = full;
    const DWORD attributes = GetFileAttributesW(target.c_str());
    if (attributes == INVALID_FILE_ATTRIBUTES) {
      if (GetLastError() == ERROR_FILE_NOT_FOUND) return;
      refuse_with_reason(GetLastError() == ERROR_PATH_NOT_FOUND ? "its folder cannot be found"
                                                                : "it cannot be looked at");
    }
    if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) refuse("it is a folder");
    if ((attributes & FILE_ATTRIBUTE_READONLY) != 0)
      refuse("it may not be replaced: it is read-only");
    follow_links();
  }

  void follow_links() {
    HANDLE old = CreateFileW(target.c_str(), FILE_READ_ATTRIBUTES,
                             FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                             OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
    if (old == INVALID_HANDLE_VALUE) refuse_with_reason("it cannot be looked at");
    const bool regular = GetFileType(old) == FILE_TYPE_DISK;
    std::wstring final(32768, L'\0');
    const DWORD length =
        GetFinalPathNameByHandleW(old, final.data(), static_cast<DWORD>(final.size()), 0);
    CloseHandle(old);
    if (!regular) refuse("it is not a regular file");
    final.resize(length < final.size() ? length : 0);
    if (!final.empty()) target = final;
  }

  void create(uint64_t size) {
    const std::filesystem::path folder = target.parent_path();
    ULARGE_INTEGER available;
    if (GetDiskFreeSpaceExW(folder.c_str(), &available, nullptr, nullptr) != 0 &&
        available.QuadPart < size)
      refuse(cat(size, " bytes do not fit on the disk, which has room for ", available.QuadPart));
    for (int attempt = 0; file == INVALID_HANDLE_VALUE; ++attempt) {
      const std::filesystem::path name = new_name();
      file = CreateFileW(name.c_str(), GENERIC_WRITE, 0, nullptr, CREATE_NEW, FILE_ATTRIBUTE_NORMAL,
                         nullptr);
      if (file != INVALID_HANDLE_VALUE)
        temporary = name;
      else if (GetLastError() != ERROR_FILE_EXISTS || attempt == 100)
        refuse_with_reason("no file can be made in " + to_utf8(folder));
    }
  }

  std::filesystem::path new_name() const {
    return target.parent_path() / cat(".alexnet-", draw(), "-", draw(), ".tmp");
  }

  // A file that is mapped, by an open model for example, cannot be replaced. But it can be renamed.
  bool replace() {
    if (move_over(temporary, target)) return true;
    const std::filesystem::path aside = new_name();
    if (!move_over(target, aside)) return false;
    if (!move_over(temporary, target)) {
      const DWORD error = GetLastError();
      move_over(aside, target);
      SetLastError(error);
      return false;
    }
    delete_later(aside);
    delete_what_can_be();
    return true;
  }
};

AtomicFile::AtomicFile(const std::string& path, uint64_t size) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->find_target();
  impl_->create(size);
}

AtomicFile::~AtomicFile() = default;

void AtomicFile::write(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const auto most = static_cast<DWORD>(std::min<size_t>(bytes.size(), size_t{1} << 30));
    OVERLAPPED place{};
    place.Offset = static_cast<DWORD>(offset);
    place.OffsetHigh = static_cast<DWORD>(offset >> 32);
    DWORD written = 0;
    if (WriteFile(impl_->file, bytes.data(), most, &written, &place) == 0)
      impl_->refuse_with_reason("writing failed");
    if (written == 0) impl_->refuse("writing failed");
    bytes = bytes.subspan(written);
    offset += written;
  }
}

void AtomicFile::commit() {
  if (FlushFileBuffers(impl_->file) == 0) impl_->refuse_with_reason("writing failed");
  const HANDLE file = std::exchange(impl_->file, INVALID_HANDLE_VALUE);
  if (CloseHandle(file) == 0) impl_->refuse_with_reason("writing failed");
  if (!impl_->replace())
    impl_->refuse_with_reason("the new file cannot take its place (is it open in a program?)");
  impl_->replaced = true;
}

}  // namespace alx
