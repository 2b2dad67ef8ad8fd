// Files as torch.save writes them, byte by byte, so that they can hold what torch itself would
// never write.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace alx::torch {

inline std::string little(uint64_t value, size_t bytes) {
  std::string text;
  for (size_t i = 0; i < bytes; ++i) text += static_cast<char>(value >> (8 * i));
  return text;
}

inline const std::string yes = "\x88", no = "\x89", none = "N";
inline std::string text(const std::string& value) { return "X" + little(value.size(), 4) + value; }
inline std::string number(uint32_t value) { return "J" + little(value, 4); }
inline std::string put(uint8_t key) { return "q" + little(key, 1); }  // into the memo
inline std::string get(uint8_t key) { return "h" + little(key, 1); }
inline std::string repeated(const std::string& part, size_t count) {
  std::string all;
  for (size_t i = 0; i < count; ++i) all += part;
  return all;
}
inline std::string tuple(const std::string& items) { return "(" + items + "t"; }
inline std::string dict(const std::string& items) { return "}(" + items + "u"; }

inline std::string storage(const std::string& key, uint32_t count,
                           const std::string& type = "Float") {
  return tuple(text("storage") + "ctorch\n" + type + "Storage\n" + text(key) + text("cpu") +
               number(count)) +
         "Q";
}

// A call of torch._utils.NAME.
inline std::string rebuilt(const std::string& name, const std::string& arguments) {
  return "ctorch._utils\n" + name + "\n" + tuple(arguments) + "R";
}

// The arguments that every tensor has: `count` elements in a row, from the storage's first on.
inline std::string row(const std::string& storage, uint32_t count) {
  return storage + number(0) + tuple(number(count)) + tuple(number(1));
}

using Entries = std::vector<std::pair<std::string, std::string>>;

// A zip archive without compression. The reader looks at no checksum of it.
inline std::string zip(const Entries& entries) {
  const auto zeros = [](size_t count) { return std::string(count, '\0'); };
  std::string data, directory;
  for (const auto& [name, bytes] : entries) {
    const std::string head = zeros(14) + little(bytes.size(), 4) + little(bytes.size(), 4) +
                             little(name.size(), 2) + zeros(2);
    directory += "PK\x01\x02" + zeros(2) + head + zeros(10) + little(data.size(), 4) + name;
    data += "PK\x03\x04" + head + name + bytes;
  }
  return data + directory + "PK\x05\x06" + zeros(4) + little(entries.size(), 2) +
         little(entries.size(), 2) + little(directory.size(), 4) + little(data.size(), 4) +
         zeros(2);
}

// The file of this object, with the bytes of its storages by key.
inline std::string file(const std::string& object, const Entries& storages = {}) {
  Entries entries{{"a/data.pkl", "\x80\x02" + object + "."}};
  for (const auto& [key, bytes] : storages) entries.emplace_back("a/data/" + key, bytes);
  return zip(entries);
}

}  // namespace alx::torch
