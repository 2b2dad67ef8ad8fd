// One writer for a file that is long in the making: training outputs, checkpoints, packed sets,
// features.
#pragma once
#include <filesystem>
#include <memory>
#include <string>

namespace alx {

class LockFile;

// Holds `.alexnet-NAME.lock` beside `path` for its life; what is left of it after a crash is no
// obstacle. Throws invalid_state with the holder's host, process and start where another one, of
// this process or not, writes the file. Where the file system cannot lock, that is logged as a
// warning.
class OutputLock {
 public:
  explicit OutputLock(const std::string& path);
  ~OutputLock();
  OutputLock(OutputLock&&) noexcept;
  OutputLock& operator=(OutputLock&&) noexcept;

  bool covers(const std::string& path) const;  // links followed

 private:
  std::filesystem::path file_;  // empty: there is no such folder
  std::unique_ptr<LockFile> held_;
};

}  // namespace alx
