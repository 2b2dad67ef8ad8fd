#include "train/fingerprint.h"

#include <algorithm>
#include <set>

#include "core/error.h"
#include "core/random.h"
#include "weights/hash.h"

namespace alx {
namespace {

constexpr int64_t drawn_pictures = 64;

struct Picture {
  uint64_t bytes = 0;
  std::string name, content;  // hashes; content is empty where it cannot be read
};

std::string hash_of(std::span<const std::byte> bytes) {
  Hasher hasher;
  hasher.update(bytes);
  return hasher.hex();
}

Picture picture_of(const Dataset& data, int64_t i) {
  const std::string key = data.key(i);
  Picture picture{0, hash_of(std::as_bytes(std::span(key))), {}};
  try {
    const std::vector<std::byte> stored = data.stored(i);
    picture.bytes = stored.size();
    picture.content = hash_of(stored);
  } catch (const Error&) {  // a broken picture; training tells of it
  }
  return picture;
}

std::string hash_of_names(const Dataset& data) {
  Hasher hasher;
  for (int64_t i = 0; i < data.size(); ++i) {
    const std::string key = data.key(i) + '\n';
    hasher.update(std::as_bytes(std::span(key)));
  }
  return hasher.hex();
}

std::set<int64_t> draw_indices(int64_t size, uint64_t seed) {
  const Random random(seed, hash_name("fingerprint"), 0);
  std::set<int64_t> indices;
  for (int64_t i = 0; i < std::min(size, drawn_pictures); ++i)
    indices.insert(size <= drawn_pictures
                       ? i
                       : static_cast<int64_t>(
                             random.below(static_cast<uint64_t>(i), static_cast<uint64_t>(size))));
  return indices;
}

}  // namespace

std::string fingerprint_of(const Dataset& data, uint64_t seed) {
  std::string pictures;
  for (int64_t index : draw_indices(data.size(), seed)) {
    const Picture picture = picture_of(data, index);
    pictures += cat(pictures.empty() ? "" : ",", "[", index, ",", picture.bytes, ",\"",
                    picture.name, "\",\"", picture.content, "\"]");
  }
  return cat("{\"names\":\"", hash_of_names(data), "\",\"drawn\":[", pictures, "]}");
}

std::string difference_from(const nlohmann::json& fingerprint, const Dataset& data) {
  for (const nlohmann::json& was : fingerprint.at("drawn")) {
    const int64_t index = was.at(0);
    if (index < 0 || index >= data.size()) return cat("it has no picture ", index);
    const Picture now = picture_of(data, index);
    const std::string name = was.at(2), content = was.at(3);
    if (now.name != name)
      return cat("picture ", index, " had another name than ", data.name(index));
    if (now.content != content)
      return cat(data.name(index), " has other content (", now.bytes, " bytes, then ",
                 was.at(1).get<uint64_t>(), ")");
  }
  return fingerprint.at("names").get<std::string>() == hash_of_names(data)
             ? ""
             : "names of pictures have changed";
}

}  // namespace alx
