#include "core/lock_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "core/process.h"
#include "core/temporary_posix.h"

namespace alx {
namespace {

int open_lock(const char* path) {
  constexpr int flags = O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK;
  const int file = open(path, O_RDWR | O_CREAT | flags, 0666);
  return file < 0 && errno == EACCES ? open(path, O_RDONLY | flags) : file;  // another user's
}

// False where the last holder removed the file between our opening and our locking it.
bool is_still(const char* path, int file) {
  struct stat opened {
  }, named{};
  return fstat(file, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
         opened.st_dev == named.st_dev;
}

// For people; that it fails on a full disk is no harm. Over the process's limit of file sizes a
// signal would come.
void write_text(int file, const std::string& text) {
  if (text.size() > largest_file()) return;
  if (ftruncate(file, 0) == 0) (void)!pwrite(file, text.data(), text.size(), 0);
}

std::string read_text(int file) {
  char text[512];
  const ssize_t length = pread(file, text, sizeof text, 0);
  return {text, length > 0 ? static_cast<size_t>(length) : 0};
}

}  // namespace

std::string host_name() {
  char name[256] = "";
  return gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "unknown";
}

LockFile::LockFile(const std::filesystem::path& path) : path_(path), process_(process_id()) {}

LockFile::LockFile(const std::filesystem::path& path, const std::string& text) : LockFile(path) {
  for (int attempt = 0; attempt < 100; ++attempt) {
    const int file = open_lock(path_.c_str());
    file_ = file;
    if (file < 0) return;
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
      const int error = errno;
      state_ = error == EWOULDBLOCK ? State::busy : State::impossible;
      owner_ = error == EWOULDBLOCK ? read_text(file) : std::generic_category().message(error);
      return;
    }
    if (is_still(path_.c_str(), file)) {
      state_ = State::held;
      write_text(file, text);
      return;
    }
    file_ = -1;
    close(file);
  }
  state_ = State::impossible;
  owner_ = "others take and leave it all the time";
}

LockFile::~LockFile() {
  const int file = static_cast<int>(file_);
  if (file < 0) return;
  if (state_ != State::busy && process_ == process_id()) {  // a child of fork() has but a copy
    unlink(path_.c_str());
    flock(file, LOCK_UN);  // else such a child would hold it on
  }
  close(file);
}

}  // namespace alx
