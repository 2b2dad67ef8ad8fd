// Tar archives (POSIX ustar and pax, GNU's long names): one file that holds many, which every
// system can make and unpack. Own code because members are read at random out of the file, which
// libarchive does not offer.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/atomic_file.h"
#include "core/file_reader.h"
#include "core/output_lock.h"
#include "data/set_tree.h"

namespace alx {

// The members of an archive, in its order; links lead to what they link to, where that is a file of
// the archive. Reads the headers alone, a piece at a time. Throws bad_file where it is none, is
// damaged, or is cut off.
std::vector<TreeEntry> tar_members(const FileReader& archive);

// An archive appears with finish() or not at all.
class TarWriter {
 public:
  explicit TarWriter(const std::string& path);
  void add(const std::string& name, std::span<const std::byte> bytes);
  void finish();

 private:
  void append(std::span<const std::byte> bytes);
  void add_header(const std::string& name, uint64_t size, char type);

  std::optional<OutputLock> lock_;
  AtomicFile file_;
  uint64_t size_ = 0;
};

}  // namespace alx
