#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <string_view>
#include <system_error>
#include <utility>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/log.h"
#include "core/path.h"
#include "core/temporary_posix.h"

namespace alx {
namespace {

[[noreturn]] void refuse(const std::string& path, const std::string& doing, int error) {
  fail(Code::io, "cannot write ", path, ": ", doing, ": ", reason(error),
       "; the file is as it was before");
}

void check_size_limit(const std::string& path, uint64_t size) {
  if (size > largest_file())
    refuse(path, cat(size, " bytes are over this process's limit of ", largest_file()), EFBIG);
}

}  // namespace

struct AtomicFile::Impl {
  std::string path;    // as the caller named it, for messages
  std::string target;  // links followed
  std::string folder, temporary;
  int file = -1;
  bool replaced = false;

  ~Impl() {
    if (file >= 0) close(file);
    if (!replaced && !temporary.empty()) unlink(temporary.c_str());
  }

  void find_target() {
    check(!path.empty(), Code::invalid_argument, "cannot write: the file's name is empty");
    std::error_code error;
    const auto resolved = full_path(path, error);
    if (error) refuse(path, "its folder cannot be found", error.value());
    target = resolved.string();
    folder = resolved.parent_path().string();
  }

  // Removes the temporary files that crashed programs have left in the folder: nobody holds them,
  // and they are so old that nobody is about to. Not by std::filesystem, whose iterators end the
  // program where memory runs out.
  void sweep() const {
    constexpr time_t old = 3600;
    DIR* entries = opendir(folder.c_str());
    if (!entries) return;
    const int place = dirfd(entries);
    while (const dirent* entry = readdir(entries)) {
      const std::string_view name(entry->d_name);
      struct stat left {};
      if (!name.starts_with(".alexnet-") || !name.ends_with(".tmp") ||
          fstatat(place, entry->d_name, &left, AT_SYMLINK_NOFOLLOW) != 0 ||
          !S_ISREG(left.st_mode) || time(nullptr) - left.st_mtime < old)
        continue;
      const int opened =
          openat(place, entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
      if (opened < 0) continue;
      if (flock(opened, LOCK_EX | LOCK_NB) == 0) unlinkat(place, entry->d_name, 0);
      close(opened);
    }
    closedir(entries);
  }

  void create() {
    struct stat old {};
    const bool exists = stat(target.c_str(), &old) == 0;
    if (!exists && errno != ENOENT) refuse(path, "it cannot be looked at", errno);
    if (exists && S_ISDIR(old.st_mode)) refuse(path, "it is a folder", EISDIR);
    if (exists && !S_ISREG(old.st_mode)) refuse(path, "it is not a regular file", EINVAL);
    if (exists && access(target.c_str(), W_OK) != 0) refuse(path, "it may not be replaced", errno);
    // open() rather than mkstemp(): the system then applies the umask, which cannot be read without
    // setting it.
    const mode_t mode = exists ? (old.st_mode & 0777) : 0666;
    for (int attempt = 0; file < 0; ++attempt) {
      std::string name = folder + "/" + temporary_name();
      file = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
      if (file < 0 && (errno != EEXIST || attempt == 100))
        refuse(path, "no file can be made in " + folder, errno);
      if (file >= 0) temporary = std::move(name);  // a copy could fail and leave the file behind
    }
    // says to sweep() that it is in use; not all file systems can
    (void)flock(file, LOCK_EX | LOCK_NB);
    if (!exists) return;
    struct stat made {};
    if (fstat(file, &made) != 0) refuse(path, "the new file cannot be looked at", errno);
    // The owner is kept where we may; the permissions always, after the owner because chown can
    // clear bits.
    if ((made.st_uid != old.st_uid || made.st_gid != old.st_gid) &&
        fchown(file, old.st_uid, old.st_gid) != 0)
      log_line(LogLevel::warning,
               cat("the owner of ", path, " could not be kept: ", reason(errno)));
    if (fchmod(file, mode) != 0) refuse(path, "its permissions cannot be kept", errno);
  }
};

AtomicFile::AtomicFile(const std::string& path, uint64_t size) : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->find_target();
  check_size_limit(path, size);
  impl_->sweep();
  impl_->create();
}

AtomicFile::~AtomicFile() = default;

void AtomicFile::write(uint64_t offset, std::span<const std::byte> bytes) {
  check_size_limit(impl_->path, offset + bytes.size());
  while (!bytes.empty()) {
    const size_t most = std::min<size_t>(bytes.size(), size_t{1} << 30);
    const ssize_t written = pwrite(impl_->file, bytes.data(), most, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) refuse(impl_->path, "writing failed", written < 0 ? errno : EIO);
    bytes = bytes.subspan(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
}

void AtomicFile::commit() {
  if (fsync(impl_->file) != 0) refuse(impl_->path, "writing failed", errno);
  const int file = std::exchange(impl_->file, -1);
  if (close(file) != 0 && errno != EINTR) refuse(impl_->path, "writing failed", errno);
  if (std::rename(impl_->temporary.c_str(), impl_->target.c_str()) != 0)
    refuse(impl_->path, "the new file cannot take its place", errno);
  impl_->replaced = true;
  // The new file is in place; only that it survives a power cut is open if the folder cannot be
  // synced.
  const int folder = open(impl_->folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder < 0 || (fsync(folder) != 0 && errno != EINVAL))
    log_line(LogLevel::warning,
             cat(impl_->path, " is written, but its folder could not be synced: ", reason(errno)));
  if (folder >= 0) close(folder);
}

}  // namespace alx
