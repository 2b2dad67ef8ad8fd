// Files that may change while they are read. Internal to the library.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace alx {

// A regular file, read by position and never mapped: what another program cuts off is an error then
// and no signal.
class FileReader {
 public:
  // throws not_found / io with the path and the system's reason
  explicit FileReader(const std::string& path);
  ~FileReader();
  FileReader(const FileReader&) = delete;
  FileReader& operator=(const FileReader&) = delete;

  // How many bytes were read: fewer than asked for only where the file ends now. Throws io. Safe
  // from several threads.
  size_t read(uint64_t offset, std::span<std::byte> into) const;
  uint64_t size() const { return size_; }  // when it was opened
  const std::string& path() const { return path_; }
  intptr_t handle() const { return file_; }  // the system's descriptor or handle

 private:
  std::string path_;
  uint64_t size_ = 0;
  intptr_t file_ = -1;
};

}  // namespace alx
