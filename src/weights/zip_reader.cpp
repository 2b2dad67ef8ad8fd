// After APPNOTE.TXT of PKWARE: sections 4.3.7 (local header), 4.3.12 (central directory), 4.3.14
// to 4.3.16 (its end).
#include "weights/zip_reader.h"

#include <algorithm>

#include "core/error.h"
#include "weights/bytes.h"

namespace alx {
namespace {

using Bytes = std::span<const std::byte>;
// a 32-bit field whose value is in a 64-bit one elsewhere
constexpr uint32_t in_zip64 = 0xffffffff;

struct Directory {
  uint64_t entries = 0, size = 0, offset = 0;
};

class Reader {
 public:
  Reader(Bytes bytes, const std::string& path) : bytes_(bytes), path_(path) {}

  void demand(bool ok, const char* fault) const {
    if (!ok) fail(Code::bad_file, path_, ": ", fault, "; the zip archive is damaged or cut short");
  }
  Bytes part(uint64_t offset, uint64_t length) const {
    demand(inside(offset, length, bytes_.size()), "a part of the archive lies outside of the file");
    return bytes_.subspan(offset, length);
  }
  template <class T>
  T number(uint64_t offset) const {
    return load_le<T>(part(offset, sizeof(T)).data());
  }
  bool signature(uint64_t offset, uint32_t expected) const {
    return inside(offset, 4, bytes_.size()) && number<uint32_t>(offset) == expected;
  }

  Directory find_directory() const {
    constexpr uint64_t record = 22, longest_comment = 65535;
    demand(bytes_.size() >= record, "it is too short");
    const uint64_t last = bytes_.size() - record, first = last - std::min(last, longest_comment);
    for (uint64_t at = last + 1; at-- > first;) {
      if (!signature(at, 0x06054b50) || at + record + number<uint16_t>(at + 20) != bytes_.size())
        continue;
      const Directory found{number<uint16_t>(at + 10), number<uint32_t>(at + 12),
                            number<uint32_t>(at + 16)};
      if (found.entries == 0xffff || found.size == in_zip64 || found.offset == in_zip64)
        return find_zip64(at);
      return found;
    }
    fail(Code::bad_file, path_,
         ": it begins as a zip archive, but has no directory at its end; it is cut short");
  }

  // Reads the entry at `at` of the central directory and moves `at` behind it.
  std::pair<std::string, Bytes> entry(uint64_t& at) const {
    demand(signature(at, 0x02014b50), "an entry of the directory is missing");
    const auto flags = number<uint16_t>(at + 8), method = number<uint16_t>(at + 10);
    const uint64_t name_size = number<uint16_t>(at + 28), extra_size = number<uint16_t>(at + 30);
    const uint64_t comment_size = number<uint16_t>(at + 32);
    uint64_t packed = number<uint32_t>(at + 20), size = number<uint32_t>(at + 24),
             local = number<uint32_t>(at + 42);
    const std::string name(as_text(part(at + 46, name_size)));
    const uint64_t extra = at + 46 + name_size;
    part(extra, extra_size);
    for (uint64_t field = extra; field + 4 <= extra + extra_size;) {
      const uint64_t field_size = number<uint16_t>(field + 2), next = field + 4 + field_size;
      demand(next <= extra + extra_size, "an extra field is too long");
      if (number<uint16_t>(field) == 1) {
        uint64_t value = field + 4;
        for (uint64_t* wide : {&size, &packed, &local}) {
          if (*wide != in_zip64) continue;
          demand(value + 8 <= next, "a zip64 field is too short");
          *wide = number<uint64_t>(value);
          value += 8;
        }
      }
      field = next;
    }
    at = extra + extra_size + comment_size;
    check((flags & 1) == 0, Code::unsupported, path_, ": entry ", in_quotes(name), " is encrypted");
    check(method == 0, Code::unsupported, path_, ": entry ", in_quotes(name),
          " is compressed, as torch.save never does it; load and save the file again with torch");
    demand(packed == size, "an entry that is not compressed has two sizes");
    return {name, stored_data(name, local, size)};
  }

 private:
  Directory find_zip64(uint64_t end_record) const {
    demand(end_record >= 20 && signature(end_record - 20, 0x07064b50),
           "the zip64 locator is missing");
    const auto at = number<uint64_t>(end_record - 20 + 8);
    demand(signature(at, 0x06064b50), "the zip64 directory is missing");
    return {number<uint64_t>(at + 32), number<uint64_t>(at + 40), number<uint64_t>(at + 48)};
  }

  Bytes stored_data(const std::string& name, uint64_t local, uint64_t size) const {
    demand(signature(local, 0x04034b50), "an entry is not where the directory says");
    const uint64_t name_size = number<uint16_t>(local + 26),
                   extra_size = number<uint16_t>(local + 28);
    demand(as_text(part(local + 30, name_size)) == name,
           "an entry has another name than the directory says");
    return part(local + 30 + name_size + extra_size, size);
  }

  Bytes bytes_;
  const std::string& path_;
};

}  // namespace

std::map<std::string, Bytes> stored_entries(Bytes archive, const std::string& path) {
  const Reader reader(archive, path);
  const Directory directory = reader.find_directory();
  reader.part(directory.offset, directory.size);
  std::map<std::string, Bytes> entries;
  uint64_t at = directory.offset;
  // ends early: every entry needs bytes that are there
  for (uint64_t i = 0; i < directory.entries; ++i) {
    auto [name, data] = reader.entry(at);
    reader.demand(entries.emplace(std::move(name), data).second, "two entries have the same name");
  }
  reader.demand(at == directory.offset + directory.size,
                "the directory has another size than it says");
  return entries;
}

}  // namespace alx
