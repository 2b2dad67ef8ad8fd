#include "data/tar.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <optional>

#include "core/error.h"
#include "data/bytes.h"

namespace alx {
namespace {

// Places in a header block: POSIX.1-2017, pax, "ustar Interchange Format".
constexpr size_t block = 512, name_length = 100, size_at = 124, size_length = 12, sum_at = 148, sum_length = 8,
                 type_at = 156, magic_at = 257, prefix_at = 345, prefix_length = 155;
constexpr char regular = '0', old_regular = '\0', pax = 'x', gnu_long_name = 'L';

std::string text_at(const ByteView& header, size_t at, size_t length) {
  std::string text;
  for (size_t i = at; i < at + length && header.u8(i) != 0; ++i) text += static_cast<char>(header.u8(i));
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
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number, 8);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

// Of a header's bytes, its own checksum counted as spaces.
uint64_t sum_of(std::span<const std::byte> header) {
  uint64_t sum = 0;
  for (size_t i = 0; i < block; ++i)
    sum += i >= sum_at && i < sum_at + sum_length ? uint64_t{' '} : std::to_integer<uint64_t>(header[i]);
  return sum;
}

bool is_sound(std::span<const std::byte> header) {
  return header.size() == block && number_at(ByteView(header), sum_at, sum_length) == sum_of(header);
}

bool is_tar(std::span<const std::byte> archive) {
  return archive.size() >= block && is_sound(archive.first(block)) && ByteView(archive).has(magic_at, "ustar");
}

// The value of "path" among pax records: "LENGTH KEY=VALUE\n".
std::string pax_path(std::span<const std::byte> records) {
  std::string_view rest(reinterpret_cast<const char*>(records.data()), records.size());
  std::string path;
  while (!rest.empty()) {
    size_t length = 0;
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), length);
    const auto digits = static_cast<size_t>(parsed.ptr - rest.data());
    if (parsed.ec != std::errc() || length < digits + 3 || length > rest.size()) break;
    const std::string_view record = rest.substr(digits + 1, length - digits - 2);
    if (record.starts_with("path=")) path = record.substr(5);
    rest.remove_prefix(length);
  }
  return path;
}

bool all_zero(std::span<const std::byte> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](std::byte b) { return b == std::byte{0}; });
}

size_t padding_of(uint64_t size) { return static_cast<size_t>((block - size % block) % block); }

void put_octal(std::array<char, block>& header, size_t at, size_t length, uint64_t number) {
  std::fill_n(header.begin() + static_cast<ptrdiff_t>(at), length - 1, '0');
  for (size_t i = at + length - 1; i-- > at && number > 0; number /= 8) header[i] = static_cast<char>('0' + number % 8);
}

}  // namespace

std::vector<TarMember> tar_members(std::span<const std::byte> archive, const std::string& what) {
  check(is_tar(archive), Code::bad_file, what,
        ": is neither a folder of pictures nor a tar archive of one; a compressed archive must be unpacked first "
        "(gunzip)");
  std::vector<TarMember> members;
  std::string long_name;
  size_t at = 0;
  while (true) {
    const auto left = archive.size() - at;
    check(left >= block, Code::bad_file, what, ": is cut off at byte ", at, ": an archive ends with blocks of zeros; ",
          "make or fetch it again");
    const std::span<const std::byte> header = archive.subspan(at, block);
    if (all_zero(header)) return members;
    const ByteView view(header);
    const auto size = number_at(view, size_at, size_length);
    check(is_sound(header) && size, Code::bad_file, what, ": is damaged at byte ", at, ": no header of a member");
    check(*size <= left - block, Code::bad_file, what, ": is cut off: the member at byte ", at, " has ", *size,
          " bytes, the archive ", left - block, " more");
    const auto bytes = archive.subspan(at + block, static_cast<size_t>(*size));
    const char type = static_cast<char>(view.u8(type_at));
    if (type == pax) {
      long_name = pax_path(bytes);
    } else if (type == gnu_long_name) {
      long_name = text_at(ByteView(bytes), 0, bytes.size());
    } else {
      std::string name = text_at(view, 0, name_length);
      const std::string prefix =
          view.has(magic_at, std::string_view("ustar\0", 6)) ? text_at(view, prefix_at, prefix_length) : "";
      if (!prefix.empty()) name = prefix + "/" + name;
      if (!long_name.empty()) name = std::move(long_name);
      long_name.clear();
      if (type == regular || type == old_regular) members.push_back({std::move(name), bytes});
    }
    at += block + bytes.size() + std::min(padding_of(*size), left - block - bytes.size());
  }
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
  put_octal(header, 108, 8, 0);  // owner, group, time: none, so that equal pictures give equal archives
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
  const auto add_member = [&](const std::string& as, std::span<const std::byte> content, char type) {
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
}

}  // namespace alx
