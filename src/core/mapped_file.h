// Files as bytes in memory. Internal to the library.
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace alx {

// A file mapped read-only, or a file's bytes in memory. They stay valid for the object's life.
class MappedFile {
 public:
  // throws not_found / io with the path and the system's reason
  explicit MappedFile(const std::string& path);
  MappedFile(std::string name, std::vector<std::byte> bytes)
      : path_(std::move(name)), owned_(std::move(bytes)), bytes_(owned_) {}
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::byte> bytes() const { return bytes_; }
  const std::string& path() const { return path_; }
  // gives whole pages back to the system; they can be read again
  void release(std::span<const std::byte> part) const;

 private:
  std::string path_;
  std::vector<std::byte> owned_;  // empty: mapped
  std::span<const std::byte> bytes_;
};

}  // namespace alx
