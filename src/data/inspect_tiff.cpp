// What OpenCV reads: TIFF (its first picture) and PNM (PBM, PGM, PPM).
#include <algorithm>
#include <array>
#include <iterator>

#include "core/error.h"
#include "data/bytes.h"
#include "data/inspect.h"

namespace alx {
namespace {

constexpr std::string_view little_tiff{"II*\0", 4}, big_tiff{"MM\0*", 4};

constexpr uint16_t orientation_tag = 274;

// The numbers of the first picture, by their tags.
class TiffTags {
 public:
  explicit TiffTags(ImageBytes bytes) : view_(bytes), little_(view_.has(0, little_tiff)) {
    table_ = u32(4);
    entries_ = u16(table_);
  }

  bool is_little() const { return little_; }

  struct Values {
    size_t at = 0, count = 0, bytes = 0;  // bytes of each
  };
  // Whether the table and what it names lie in the file.
  bool whole() const {
    if (entries_ == 0 || table_ + 2 + 12 * entries_ > view_.size()) return false;
    for (size_t i = 0; i < entries_; ++i) {
      const Values values = entry(i);
      if (values.at + values.count * values.bytes > view_.size()) return false;
    }
    return true;
  }
  // None where the tag is missing or holds no whole numbers.
  Values find(uint16_t tag) const {
    for (size_t i = 0; i < entries_; ++i) {
      const size_t at = table_ + 2 + 12 * i;
      const uint16_t type = u16(at + 2);
      if (u16(at) == tag && (type == 1 || type == 3 || type == 4)) return entry(i);
    }
    return {};
  }
  uint64_t value(const Values& values, size_t i) const {
    const size_t at = values.at + i * values.bytes;
    return values.bytes == 1 ? view_.u8(at) : values.bytes == 2 ? u16(at) : u32(at);
  }
  uint64_t largest(uint16_t tag, uint64_t usual) const {
    const Values values = find(tag);
    uint64_t most = values.count > 0 ? 0 : usual;
    for (size_t i = 0; i < std::min<size_t>(values.count, 64); ++i)
      most = std::max(most, value(values, i));
    return most;
  }

 private:
  uint16_t u16(size_t at) const { return little_ ? view_.le16(at) : view_.be16(at); }
  uint32_t u32(size_t at) const { return little_ ? view_.le32(at) : view_.be32(at); }
  Values entry(size_t i) const {
    static constexpr uint8_t bytes_of_type[] = {0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8};
    const size_t at = table_ + 2 + 12 * i;
    const uint16_t type = u16(at + 2);
    Values values{at + 8, u32(at + 4),
                  type < std::size(bytes_of_type) ? bytes_of_type[type] : size_t{0}};
    if (values.count * values.bytes > 4) values.at = u32(at + 8);
    return values;
  }

  ByteView view_;
  bool little_;
  size_t table_ = 0, entries_ = 0;
};

// Strips or tiles. What lies outside the file libtiff would leave black.
void check_parts(const TiffTags& tags, size_t size, const std::string& what) {
  const bool tiled = tags.find(324).count > 0;
  const auto begins = tags.find(tiled ? 324 : 273), lengths = tags.find(tiled ? 325 : 279);
  check(begins.count > 0 && begins.count == lengths.count, Code::bad_file, what,
        ": damaged TIFF file: it lists ", begins.count, " parts and ", lengths.count,
        " lengths; fetch or save it again");
  for (size_t i = 0; i < begins.count; ++i) {
    const uint64_t begin = tags.value(begins, i), length = tags.value(lengths, i);
    if (begin + length > size)
      cut_off(what, "TIFF",
              cat("part ", i, " of ", begins.count, " ends at byte ", begin + length,
                  ", the file at ", size));
  }
}

// Numbers of a PNM's header, with comments between.
class PnmHeader {
 public:
  explicit PnmHeader(ImageBytes bytes) : view_(bytes) {}
  int64_t number() {
    for (bool comment = false; at_ < view_.size() && (comment || !is_digit()); ++at_)
      comment = (comment || view_.u8(at_) == '#') && view_.u8(at_) != '\n';
    int64_t value = 0;
    for (; at_ < view_.size() && is_digit(); ++at_)
      value = std::min<int64_t>(value * 10 + view_.u8(at_) - '0', int64_t{1} << 40);
    return value;
  }
  size_t end() const { return at_ + 1; }  // one blank follows

 private:
  bool is_digit() const { return view_.u8(at_) >= '0' && view_.u8(at_) <= '9'; }

  ByteView view_;
  size_t at_ = 2;
};

}  // namespace

bool is_tiff(ImageBytes bytes) {
  const ByteView view(bytes);
  return view.has(0, little_tiff) || view.has(0, big_tiff);
}

ImageInfo inspect_tiff(ImageBytes bytes, const std::string& what, const Limits& limits) {
  ImageInfo info{ImageKind::tiff};
  const TiffTags tags(bytes);
  if (!tags.whole())
    cut_off(what, "TIFF", cat("its ", bytes.size(), " bytes do not hold what describes it"));
  info.width = static_cast<int64_t>(tags.largest(256, 0));
  info.height = static_cast<int64_t>(tags.largest(257, 0));
  check_pixels(info, what, limits);
  const uint64_t bits = tags.largest(258, 1), samples = tags.largest(277, 1),
                 format = tags.largest(339, 1);
  check(bits <= 16 && samples <= 4 && format == 1, Code::bad_file, what, ": a TIFF of ", samples,
        " values a pixel, ", bits, " bits each", format == 1 ? "" : ", not plain whole numbers",
        "; save it as PNG");
  check(tags.largest(322, 1) * tags.largest(323, 1) <= static_cast<uint64_t>(limits.pixels),
        Code::bad_file, what, ": a TIFF of tiles over ", limits.pixels, " pixels; save it as PNG");
  check_parts(tags, bytes.size(), what);
  const uint64_t orientation = tags.largest(orientation_tag, 1);
  info.orientation = orientation >= 1 && orientation <= 8 ? static_cast<int>(orientation) : 1;
  return info;
}

std::vector<std::byte> upright_tiff(ImageBytes bytes) {
  std::vector<std::byte> copy(bytes.begin(), bytes.end());
  const TiffTags tags(bytes);
  const auto [at, count, size] = tags.find(orientation_tag);
  const size_t lowest = tags.is_little() ? 0 : size - 1;
  for (size_t i = 0; count > 0 && i < size; ++i)
    copy[at + i] = i == lowest ? std::byte{1} : std::byte{0};
  return copy;
}

bool is_pnm(ImageBytes bytes) {
  const ByteView view(bytes);
  const uint8_t blank = view.u8(2);
  return view.u8(0) == 'P' && view.u8(1) >= '1' && view.u8(1) <= '6' &&
         (blank == ' ' || blank == '#' || (blank >= '\t' && blank <= '\r'));
}

ImageInfo inspect_pnm(ImageBytes bytes, const std::string& what, const Limits& limits) {
  ImageInfo info{ImageKind::pnm};
  PnmHeader header(bytes);
  const uint8_t kind = ByteView(bytes).u8(1);
  info.width = header.number();
  info.height = header.number();
  const bool one_bit = kind == '1' || kind == '4';
  const int64_t most = one_bit ? 1 : header.number();
  if (header.end() >= bytes.size())
    cut_off(what, "PNM", cat("its ", bytes.size(), " bytes hold its header alone"));
  check_pixels(info, what, limits);
  check(one_bit || most == 255 || most == 65535, Code::bad_file, what, ": a PNM of colours up to ",
        most, ", not 255 or 65535; save it as PNG");
  const int64_t values = info.width * info.height * (kind == '3' || kind == '6' ? 3 : 1);
  const int64_t needed = kind == '4'     ? (info.width + 7) / 8 * info.height
                         : kind < '4'    ? values  // a digit each at least
                         : most == 65535 ? values * 2
                                         : values;
  if (needed > static_cast<int64_t>(bytes.size() - header.end()))
    cut_off(
        what, "PNM",
        cat("it should have ", needed, " bytes of pixels and has ", bytes.size() - header.end()));
  return info;
}

}  // namespace alx
