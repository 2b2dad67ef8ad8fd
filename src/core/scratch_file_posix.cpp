#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "core/error.h"
#include "core/path.h"
#include "core/scratch_file.h"
#include "core/temporary_posix.h"

namespace alx {
namespace {

constexpr size_t most_of_one_call = size_t{1} << 30;  // of one call

[[noreturn]] void refuse_scratch(const std::string& folder, const char* doing, int error) {
  fail(Code::io, "a temporary file in ", folder, ": ", doing, ": ", reason(error));
}

}  // namespace

ScratchFile::ScratchFile(const std::string& folder) : folder_(folder) {
  std::error_code error;
  if (folder_.empty()) folder_ = to_utf8(std::filesystem::temp_directory_path(error));
  if (error) refuse_scratch("the system's folder for them", "it cannot be found", error.value());
  for (int attempt = 0; file_ < 0; ++attempt) {
    const std::string name = folder_ + "/" + temporary_name();
    file_ = open(name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file_ >= 0)
      unlink(name.c_str());
    else if (errno != EEXIST || attempt == 100)
      refuse_scratch(folder_, "it cannot be made", errno);
  }
}

ScratchFile::~ScratchFile() { close(static_cast<int>(file_)); }

void ScratchFile::write(uint64_t offset, std::span<const std::byte> bytes) {
  if (offset + bytes.size() > largest_file())
    refuse_scratch(folder_, "it would be over this process's limit", EFBIG);
  while (!bytes.empty()) {
    const ssize_t written =
        pwrite(static_cast<int>(file_), bytes.data(), std::min(bytes.size(), most_of_one_call),
               static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) refuse_scratch(folder_, "writing failed", written < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
}

void ScratchFile::read(uint64_t offset, std::span<std::byte> into) const {
  while (!into.empty()) {
    const ssize_t got = pread(static_cast<int>(file_), into.data(),
                              std::min(into.size(), most_of_one_call), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) refuse_scratch(folder_, "reading failed", got < 0 ? errno : EIO);
    into = into.subspan(static_cast<size_t>(got));
    offset += static_cast<uint64_t>(got);
  }
}

}  // namespace alx
