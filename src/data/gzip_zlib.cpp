#include <zlib.h>

#include <algorithm>
#include <limits>

#include "core/error.h"
#include "data/read_file.h"

namespace alx {
namespace {

constexpr uint64_t most_unpacked = 1032;  // bytes from one packed byte: deflate cannot do more

class Inflater {
 public:
  Inflater(std::span<const std::byte> packed, const std::string& path)
      : packed_(packed), path_(path) {
    check(inflateInit2(&stream_, 15 + 16) == Z_OK, Code::out_of_memory,
          "zlib could not be started");
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // How many bytes came: fewer than asked for only where the file ends.
  size_t unpack(std::span<std::byte> into) {
    size_t done = 0;
    while (done < into.size() && !ended_) {
      constexpr size_t at_once = std::numeric_limits<uInt>::max();
      if (stream_.avail_in == 0) {
        // only read
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed_.data()));
        stream_.avail_in = static_cast<uInt>(std::min(packed_.size(), at_once));
        packed_ = packed_.subspan(stream_.avail_in);
      }
      const auto room = static_cast<uInt>(std::min(into.size() - done, at_once));
      stream_.next_out = reinterpret_cast<Bytef*>(into.data() + done);
      stream_.avail_out = room;
      const int status = inflate(&stream_, Z_NO_FLUSH);
      done += room - stream_.avail_out;
      unpacked_ += room - stream_.avail_out;
      ended_ = status == Z_STREAM_END;
      check(ended_ || status == Z_OK, Code::bad_file, path_,
            ": damaged or cut off gzip file, after ", unpacked_, " unpacked bytes; fetch it again");
    }
    return done;
  }

 private:
  z_stream stream_{};
  std::span<const std::byte> packed_;
  const std::string& path_;
  uint64_t unpacked_ = 0;
  bool ended_ = false;
};

}  // namespace

std::vector<std::byte> read_gzip_file(const std::string& path, size_t header,
                                      const WholeSize& whole_size, const Limits& limits) {
  std::vector<std::byte> packed = read_file(path, limits);
  if (packed.size() < 2 || packed[0] != std::byte{0x1f} || packed[1] != std::byte{0x8b})
    return packed;
  Inflater inflater(packed, path);
  std::vector<std::byte> bytes(header);
  bytes.resize(inflater.unpack(bytes));
  if (bytes.size() < header) return bytes;
  const uint64_t size = std::max<uint64_t>(whole_size(bytes), header);
  check(size <= static_cast<uint64_t>(limits.bytes), Code::bad_file, path, ": unpacks to ", size,
        " bytes; at most ", limits.bytes, " are read");
  check(size / most_unpacked <= packed.size(), Code::bad_file, path, ": announces ", size,
        " bytes, more than its ", packed.size(), " packed ones can hold; fetch it again");
  bytes.resize(static_cast<size_t>(size));
  bytes.resize(header + inflater.unpack(std::span(bytes).subspan(header)));
  std::byte more{};
  check(inflater.unpack({&more, 1}) == 0, Code::bad_file, path, ": has more bytes than the ", size,
        " that its header announces; fetch it again");
  return bytes;
}

}  // namespace alx
