#include "weights/hash.h"

#include <array>

#include "core/number.h"
#include "weights/bytes.h"
#include "weights/format.h"

namespace alx {

std::string Hasher::hex() const {
  XXH128_canonical_t digest;
  XXH128_canonicalFromHash(&digest, XXH3_128bits_digest(&state_));
  std::string text;
  for (const unsigned char byte : digest.digest) text += alx::hex(byte, 2);
  return text;
}

std::string metadata_checksum(const std::map<std::string, std::string>& metadata) {
  Hasher hasher;
  const auto add = [&](const std::string& text) {
    std::array<std::byte, 8> length;
    store_le(static_cast<uint64_t>(text.size()), length.data());
    hasher.update(length);
    hasher.update(std::as_bytes(std::span(text)));
  };
  for (const auto& [key, value] : metadata) {
    if (key == key_metadata_checksum) continue;
    add(key);
    add(value);
  }
  return hasher.hex();
}

}  // namespace alx
