// Numbers in byte strings that come from outside.
#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace alx {

// Reading outside gives zero, so that a parser can check once for the end instead of before each
// number.
class ByteView {
 public:
  explicit ByteView(std::span<const std::byte> bytes) : bytes_(bytes) {}

  size_t size() const { return bytes_.size(); }
  uint8_t u8(size_t at) const {
    return at < size() ? std::to_integer<uint8_t>(bytes_[at]) : uint8_t{0};
  }
  uint16_t le16(size_t at) const { return static_cast<uint16_t>(u8(at) | u8(at + 1) << 8); }
  uint16_t be16(size_t at) const { return static_cast<uint16_t>(u8(at) << 8 | u8(at + 1)); }
  uint32_t le32(size_t at) const { return le16(at) | uint32_t{le16(at + 2)} << 16; }
  uint32_t be32(size_t at) const { return uint32_t{be16(at)} << 16 | be16(at + 2); }
  bool has(size_t at, std::string_view text) const {
    if (at > size() || text.size() > size() - at) return false;
    for (size_t i = 0; i < text.size(); ++i) {
      if (u8(at + i) != static_cast<uint8_t>(text[i])) return false;
    }
    return true;
  }
  // From `at`, at most `count` bytes: fewer where the string ends before.
  std::span<const std::byte> part(size_t at, size_t count) const {
    if (at >= size()) return {};
    return bytes_.subspan(at, count < size() - at ? count : size() - at);
  }

 private:
  std::span<const std::byte> bytes_;
};

}  // namespace alx
