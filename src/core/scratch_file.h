// A file for what does not fit into memory. Internal to the library.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace alx {

// Without a name, where the system allows that: it is gone when the object is, or the process.
class ScratchFile {
 public:
  // In this folder; empty: where the system keeps such files. Throws io with the system's reason.
  explicit ScratchFile(const std::string& folder);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  void write(uint64_t offset, std::span<const std::byte> bytes);
  // Of what was written. Safe from several threads, while none writes.
  void read(uint64_t offset, std::span<std::byte> into) const;

 private:
  std::string folder_;  // for messages
  intptr_t file_ = -1;  // the system's descriptor or handle
};

}  // namespace alx
