#include "data/tar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>
#include <unordered_map>

#include "core/error.h"
#include "core/text.h"
#include "data/bytes.h"

namespace alx {
namespace {

// Places in a header block: POSIX.1-2017, pax, "ustar Interchange Format".
constexpr size_t block = 512, name_length = 100, size_at = 124, size_length = 12, sum_at = 148,
                 sum_length = 8, type_at = 156, magic_at = 257, prefix_at = 345,
                 prefix_length = 155;
constexpr size_t link_name_at = 157;
constexpr char regular = '0', old_regular = '\0', contiguous = '7', hard_link = '1',
               soft_link = '2', folder = '5', pax = 'x', pax_global = 'g', gnu_long_name = 'L',
               gnu_long_link = 'K', gnu_volume = 'V';
// bytes of names and the like before one member
constexpr uint64_t max_records = uint64_t{1} << 20;

std::string text_at(const ByteView& header, size_t at, size_t length) {
  std::string text;
  for (size_t i = at; i < at + length && header.u8(i) != 0; ++i)
    text += static_cast<char>(header.u8(i));
  return text;
}

// Octal digits; or, in GNU's form for large ones, binary with the first bit set. Empty: neither.
std::optional<uint64_t> number_at(const ByteView& header, size_t at, size_t length) {
  uint64_t number = 0;
  if (header.u8(at) == 0x80) {
    for (size_t i = at + 1; i < at + length; ++i) {
      if (number >> 55 != 0) return std::nullopt;
      number = number << 8 | header.u8(i);
    }
    return number;
  }
  std::string digits = text_at(header, at, length);
  digits.erase(std::remove(digits.begin(), digits.end(), ' '), digits.end());
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, 8);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size())
    return std::nullopt;
  return number;
}

// Of a header's bytes, its own checksum counted as spaces.
uint64_t sum_of(std::span<const std::byte> header) {
  uint64_t sum = 0;
  for (size_t i = 0; i < block; ++i)
    sum += i >= sum_at && i < sum_at + sum_length ? uint64_t{' '}
                                                  : std::to_integer<uint64_t>(header[i]);
  return sum;
}

bool is_sound(std::span<const std::byte> header) {
  return header.size() == block &&
         number_at(ByteView(header), sum_at, sum_length) == sum_of(header);
}

// What stands before a member's own header.
struct Records {
  std::string path, link;
  std::optional<uint64_t> size;
};

// Among pax records: "LENGTH KEY=VALUE\n".
void read_pax(std::span<const std::byte> bytes, Records& records) {
  std::string_view rest(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  while (!rest.empty()) {
    size_t length = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), length);
    const auto digits = static_cast<size_t>(parsed.ptr - rest.data());
    if (parsed.ec != std::errc() || length < digits + 3 || length > rest.size()) break;
    const std::string_view record = rest.substr(digits + 1, length - digits - 2);
    if (record.starts_with("path=")) records.path = record.substr(5);
    if (record.starts_with("linkpath=")) records.link = record.substr(9);
    if (record.starts_with("size=")) {
      uint64_t size = 0;
      const auto number = std::from_chars(record.data() + 5, record.data() + record.size(), size);
      if (number.ec == std::errc()) records.size = size;
    }
    rest.remove_prefix(length);
  }
}

size_t padding_of(uint64_t size) { return static_cast<size_t>((block - size % block) % block); }

void put_octal(std::array<char, block>& header, size_t at, size_t length, uint64_t number) {
  std::fill_n(header.begin() + static_cast<ptrdiff_t>(at), length - 1, '0');
  for (size_t i = at + length - 1; i-- > at && number > 0; number /= 8)
    header[i] = static_cast<char>('0' + number % 8);
}

// The part of an archive that is being looked at. Small members are read over with their headers,
// large ones are skipped.
class Window {
 public:
  explicit Window(const FileReader& file) : file_(file) {}

  // Valid until the next call. Shorter where the file ends before.
  std::span<const std::byte> at(uint64_t offset, size_t count) {
    const uint64_t end = begin_ + used_;
    if (offset < begin_ || offset + count > end) {
      const bool near = offset >= begin_ && offset <= end + 4 * few;
      bytes_.resize(std::max(count, near ? many : few));
      begin_ = offset;
      used_ = file_.read(offset, bytes_);
    }
    const auto from = static_cast<size_t>(offset - begin_);
    return std::span<const std::byte>(bytes_)
        .first(used_)
        .subspan(std::min(from, used_))
        .first(std::min(count, used_ - std::min(from, used_)));
  }

 private:
  static constexpr size_t few = 4096, many = 65536;
  const FileReader& file_;
  std::vector<std::byte> bytes_;
  uint64_t begin_ = 0;
  size_t used_ = 0;
};

struct Link {
  size_t member;
  std::string target;  // from the archive's root
};

// Without "." and, where a folder stands before them, "..".
std::string plain_path(const std::string& path) {
  std::vector<std::string> names;
  for (const std::string& name : split(path, '/')) {
    if (name == ".." && !names.empty() && names.back() != "..") {
      names.pop_back();
    } else if (!name.empty() && name != ".") {
      names.push_back(name);
    }
  }
  return joined(names, "/");
}

// Makes files of the links to files, in the order in which they stand: so a link to a link is
// followed as well where that one stands before.
void follow_links(std::vector<TreeEntry>& members, const std::vector<Link>& links) {
  if (links.empty()) return;
  std::unordered_map<std::string, size_t> by_path;
  for (size_t i = 0; i < members.size(); ++i)
    if (members[i].kind != TreeEntry::Kind::folder) by_path[plain_path(members[i].path)] = i;
  for (const Link& link : links) {
    const auto found = by_path.find(plain_path(link.target));
    if (found == by_path.end() || members[found->second].kind != TreeEntry::Kind::file) continue;
    TreeEntry& member = members[link.member];
    const TreeEntry& target = members[found->second];
    member.kind = target.kind;
    member.offset = target.offset;
    member.size = target.size;
  }
}

class TarReader {
 public:
  explicit TarReader(const FileReader& file) : file_(file), window_(file) {}

  std::vector<TreeEntry> members() {
    const auto first = window_.at(0, block);
    check(is_sound(first) && ByteView(first).has(magic_at, "ustar"), Code::bad_file, file_.path(),
          ": is neither a folder of pictures nor a tar archive of one; a compressed archive must "
          "be unpacked first "
          "(gunzip)");
    while (read_member()) {
    }
    follow_links(members_, links_);
    return std::move(members_);
  }

 private:
  // False: the end.
  bool read_member() {
    const uint64_t left = file_.size() - at_;
    check(left >= block, Code::bad_file, file_.path(), ": is cut off at byte ", at_,
          ": an archive ends with blocks of zeros; make or fetch it again");
    const auto header = whole(at_, block);
    if (std::ranges::all_of(header, [](std::byte b) { return b == std::byte{0}; })) return false;
    const ByteView view(header);
    auto size = number_at(view, size_at, size_length);
    check(is_sound(header) && size, Code::bad_file, file_.path(), ": is damaged at byte ", at_,
          ": no header of a member");
    const char type = static_cast<char>(view.u8(type_at));
    const bool is_record =
        type == pax || type == pax_global || type == gnu_long_name || type == gnu_long_link;
    if (records_.size && !is_record) size = records_.size;
    if (type == hard_link || type == soft_link) size = 0;  // some programs write that of the file
    check(*size <= left - block, Code::bad_file, file_.path(), ": is cut off: the member at byte ",
          at_, " has ", *size, " bytes, the archive ", left - block, " more");
    if (is_record) {
      read_record(type, *size);
    } else {
      if (type != gnu_volume) add(view, type, *size);
      records_ = {};
    }
    at_ += block + *size;
    at_ += std::min<uint64_t>(padding_of(*size), file_.size() - at_);
    return true;
  }

  void read_record(char type, uint64_t size) {
    if (type == pax_global) return;
    check(size <= max_records, Code::bad_file, file_.path(), ": is damaged at byte ", at_, ": ",
          size, " bytes of names and the like before a member; at most ", max_records, " are read");
    const auto bytes = whole(at_ + block, static_cast<size_t>(size));
    if (type == pax) return read_pax(bytes, records_);
    (type == gnu_long_name ? records_.path : records_.link) =
        text_at(ByteView(bytes), 0, bytes.size());
  }

  void add(const ByteView& header, char type, uint64_t size) {
    std::string name = text_at(header, 0, name_length);
    const std::string prefix = header.has(magic_at, std::string_view("ustar\0", 6))
                                   ? text_at(header, prefix_at, prefix_length)
                                   : "";
    if (!prefix.empty()) name = prefix + "/" + name;
    if (!records_.path.empty()) name = std::move(records_.path);
    TreeEntry member{std::move(name), kind_of(type), at_ + block, size};
    if (member.path.ends_with('/') && member.kind == TreeEntry::Kind::file)
      member.kind = TreeEntry::Kind::folder;
    if (member.kind == TreeEntry::Kind::link) {
      std::string target =
          records_.link.empty() ? text_at(header, link_name_at, name_length) : records_.link;
      const size_t folders = member.path.rfind('/') + 1;  // none: 0
      if (type == soft_link && !target.starts_with('/'))
        target = member.path.substr(0, folders) + target;
      links_.push_back({members_.size(), std::move(target)});
    }
    members_.push_back(std::move(member));
  }

  static TreeEntry::Kind kind_of(char type) {
    switch (type) {
      case regular:
      case old_regular:
      case contiguous: return TreeEntry::Kind::file;
      case hard_link:
      case soft_link: return TreeEntry::Kind::link;
      case folder: return TreeEntry::Kind::folder;
      default: return TreeEntry::Kind::special;
    }
  }

  std::span<const std::byte> whole(uint64_t offset, size_t count) {
    const auto bytes = window_.at(offset, count);
    check(bytes.size() == count, Code::bad_file, file_.path(),
          ": has become shorter while it was read: it ends before ", offset + count, " of its ",
          file_.size(), " bytes");
    return bytes;
  }

  const FileReader& file_;
  Window window_;
  uint64_t at_ = 0;
  Records records_;
  std::vector<TreeEntry> members_;
  std::vector<Link> links_;
};

}  // namespace

std::vector<TreeEntry> tar_members(const FileReader& archive) {
  return TarReader(archive).members();
}

TarWriter::TarWriter(const std::string& path) : lock_(path), file_(path, 0) {}

void TarWriter::append(std::span<const std::byte> bytes) {
  file_.write(size_, bytes);
  size_ += bytes.size();
}

void TarWriter::add_header(const std::string& name, uint64_t size, char type) {
  std::array<char, block> header{};
  std::memcpy(header.data(), name.data(), std::min(name.size(), name_length));
  put_octal(header, 100, 8, 0644);
  // owner, group, time: none, so that equal pictures give equal archives
  put_octal(header, 108, 8, 0);
  put_octal(header, 116, 8, 0);
  put_octal(header, size_at, size_length, size);
  put_octal(header, 136, 12, 0);
  header[type_at] = type;
  std::memcpy(header.data() + magic_at,
              "ustar\0"
              "00",
              8);
  put_octal(header, sum_at, sum_length - 1, sum_of(std::as_bytes(std::span(header))));
  header[sum_at + sum_length - 1] = ' ';
  append(std::as_bytes(std::span(header)));
}

void TarWriter::add(const std::string& name, std::span<const std::byte> bytes) {
  constexpr std::array<std::byte, block> zeros{};
  const auto add_member = [&](const std::string& as, std::span<const std::byte> content,
                              char type) {
    add_header(as, content.size(), type);
    append(content);
    append(std::span(zeros).first(padding_of(content.size())));
  };
  if (name.size() > name_length) {
    std::string record = " path=" + name + "\n";  // its length counts the digits of the length
    size_t length = record.size() + 1;
    while (std::to_string(length).size() + record.size() != length) ++length;
    record = std::to_string(length) + record;
    add_member("pax", std::as_bytes(std::span(record)), pax);
  }
  add_member(name, bytes, regular);
}

void TarWriter::finish() {
  constexpr std::array<std::byte, 2 * block> zeros{};
  append(zeros);
  file_.commit();
  lock_.reset();
}

}  // namespace alx
