// A lock that the system gives back when its holder dies. Internal to core; one of
// lock_file_posix.cpp and lock_file_windows.cpp is built.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>

namespace alx {

std::string host_name();

class LockFile {
 public:
  // none: no file can be made there, which is its writer's to say
  enum class State { held, busy, impossible, none };

  LockFile(const std::filesystem::path& path, const std::string& text);
  ~LockFile();  // what is held goes with its file
  LockFile(const LockFile&) = delete;
  LockFile& operator=(const LockFile&) = delete;

  State state() const { return state_; }
  // busy: the holder's text; impossible: the system's reason
  const std::string& owner() const { return owner_; }

 private:
  // whole, so that what is opened after it is closed in any case
  explicit LockFile(const std::filesystem::path& path);
  std::filesystem::path path_;
  State state_ = State::none;
  std::string owner_;
  int64_t process_;     // that has it
  intptr_t file_ = -1;  // the system's descriptor or handle
};

}  // namespace alx
