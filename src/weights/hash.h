// XXH3-128 as this format uses it: seed 0, printed as xxhsum and Python's xxhash print it. Internal
// to src/weights.
#pragma once
#include <map>
#include <span>
#include <string>

#define XXH_INLINE_ALL  // header-only: nothing to link, nothing exported
#include <xxhash.h>

namespace alx {

class Hasher {
 public:
  Hasher() { XXH3_128bits_reset(&state_); }
  void update(std::span<const std::byte> bytes) {
    XXH3_128bits_update(&state_, bytes.data(), bytes.size());
  }
  std::string hex() const;  // 32 lower-case digits

 private:
  XXH3_state_t state_;
};

// Over every pair but the checksum itself, sorted by key: length of key, key, length of value,
// value; lengths are 64-bit little-endian. Independent of the order in which a JSON writer put the
// pairs.
std::string metadata_checksum(const std::map<std::string, std::string>& metadata);

}  // namespace alx
