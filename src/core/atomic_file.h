// A file that appears whole or not at all. Internal to the library.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace alx {

// Bytes go to a temporary file beside the target, which commit() renames over it. Without commit()
// the temporary file is removed and the target is as it was. An existing target keeps its
// permissions; a link is followed.
class AtomicFile {
 public:
  // `size` is what will be written in all, as far as it is known: too much is refused at once then,
  // else by write(). Refuses at once where the target cannot be replaced.
  AtomicFile(const std::string& path, uint64_t size);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(uint64_t offset, std::span<const std::byte> bytes);
  void commit();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace alx
