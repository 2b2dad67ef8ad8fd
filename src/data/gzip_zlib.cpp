#include <zlib.h>

#include "core/error.h"
#include "data/read_file.h"

namespace alx {
namespace {

struct Inflater {
  z_stream stream{};
  Inflater() { check(inflateInit2(&stream, 15 + 16) == Z_OK, Code::out_of_memory, "zlib could not be started"); }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
};

}  // namespace

std::vector<std::byte> read_gzip_file(const std::string& path) {
  std::vector<std::byte> packed = read_file(path);
  if (packed.size() < 2 || packed[0] != std::byte{0x1f} || packed[1] != std::byte{0x8b}) return packed;
  Inflater inflater;
  z_stream& stream = inflater.stream;
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  std::vector<std::byte> bytes(packed.size() * 2 + 1024);
  size_t used = 0;
  while (true) {
    stream.next_out = reinterpret_cast<Bytef*>(bytes.data() + used);
    const auto room = static_cast<uInt>(bytes.size() - used);
    stream.avail_out = room;
    const int status = inflate(&stream, Z_NO_FLUSH);
    used += room - stream.avail_out;
    if (status == Z_STREAM_END) break;
    check(status == Z_OK, Code::bad_file, path, ": damaged or cut off gzip file, after ", used,
          " unpacked bytes; fetch it again");
    if (stream.avail_out > 0) continue;
    check(used <= static_cast<size_t>(max_file_bytes), Code::bad_file, path, ": unpacks to more than ", max_file_bytes,
          " bytes, the most that is read");
    bytes.resize(bytes.size() * 2);
  }
  bytes.resize(used);
  return bytes;
}

}  // namespace alx
