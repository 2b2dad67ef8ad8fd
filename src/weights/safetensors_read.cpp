// Opening a safetensors file: every claim of the header is checked against the file before it is
// used.
#include <algorithm>

#include "core/error.h"
#include "core/number.h"
#include "weights/bytes.h"
#include "weights/format.h"
#include "weights/hash.h"
#include "weights/json.h"
#include "weights/weights.h"

namespace alx {
namespace {

// Small, and moved on rather than copied: a header of a few bytes for each tensor may have a
// million.
struct Entry {
  TensorView view;
  uint64_t begin = 0, end = 0;
};

std::string where_is(const std::string& path, const Entry& entry) {
  return path + ": tensor " + in_quotes(entry.view.name);
}

DataType type_from_name(const std::string& where, const std::string& name) {
  for (DataType type : {DataType::f32, DataType::f16, DataType::bf16, DataType::i8})
    if (name == name_of(type)) return type;
  fail(Code::unsupported, where, " has elements of type ", in_quotes(name),
       "; F32, F16, BF16 and I8 can be read. Convert it, or leave it out of the file");
}

// Reads the header's JSON event by event. A document tree would hide duplicate keys, and events of
// any other form than the format's are refused at the spot.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
 public:
  HeaderReader(std::string path, const Limits& limits) : path_(std::move(path)), limits_(limits) {}
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;

  bool start_object(std::size_t) override {
    if (at_ == At::start) {
      at_ = At::top;
    } else if (at_ == At::top && key_ == "__metadata__") {
      at_ = At::metadata;
    } else if (at_ == At::top) {
      at_ = At::tensor;
      check(static_cast<int64_t>(entries.size()) < limits_.items, Code::unsupported, path_,
            ": the header has over ", limits_.items, " tensors, the limit of items");
      entries.push_back({{key_, DataType::f32, {}, {}}, 0, 0});
      fields_ = 0;
    } else {
      refuse("an object");
    }
    return true;
  }
  bool end_object() override {
    demand(at_ != At::tensor || fields_ == 7,
           " comes last, but dtype, shape or data_offsets is missing");
    at_ = At::top;
    return true;
  }
  bool key(std::string& text) override {
    key_ = text;
    if (at_ == At::metadata) {
      demand(!metadata.contains(text), " occurs twice");
      const int64_t most = std::min(limits_.items, max_metadata_keys);
      check(static_cast<int64_t>(metadata.size()) < most, Code::unsupported, path_,
            ": the metadata has over ", most, " keys, the limit");
    } else if (at_ == At::top) {
      demand(text != "__metadata__" || !has_metadata_, " occurs twice");
      has_metadata_ = has_metadata_ || text == "__metadata__";
    } else {
      const unsigned field = text == "dtype"          ? 1
                             : text == "shape"        ? 2
                             : text == "data_offsets" ? 4
                                                      : 0;
      demand(field != 0, " is unknown");
      demand((fields_ & field) == 0, " occurs twice");
      fields_ |= field;
    }
    return true;
  }
  bool string(std::string& text) override {
    if (at_ == At::metadata) {
      metadata.emplace(key_, std::move(text));
    } else if (at_ == At::tensor && key_ == "dtype") {
      entries.back().view.type = type_from_name(where_is(path_, entries.back()), text);
    } else {
      refuse("a string");
    }
    return true;
  }
  bool start_array(std::size_t) override {
    if (at_ != At::tensor || key_ == "dtype") refuse("an array");
    at_ = key_ == "shape" ? At::shape : At::offsets;
    offsets_ = 0;
    return true;
  }
  bool end_array() override {
    demand(at_ != At::offsets || offsets_ == 2, " must be two numbers");
    at_ = At::tensor;
    return true;
  }
  bool number_unsigned(uint64_t number) override {
    if (at_ == At::shape) {
      demand(number <= INT64_MAX, " has an extent over 63 bits");
      demand(entries.back().view.shape.size() < max_dimensions, " has too many dimensions");
      entries.back().view.shape.push_back(static_cast<int64_t>(number));
    } else if (at_ == At::offsets && offsets_ < 2) {
      (offsets_++ == 0 ? entries.back().begin : entries.back().end) = number;
    } else {
      refuse("a number");
    }
    return true;
  }
  bool null() override { return refuse("null"); }
  bool boolean(bool) override { return refuse("a truth value"); }
  bool number_integer(int64_t) override { return refuse("a negative number"); }
  bool number_float(double, const std::string&) override {
    return refuse("a fraction or a number over 64 bits");
  }
  bool binary(nlohmann::json::binary_t&) override { return refuse("binary data"); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::json::exception&) override {
    fail(Code::bad_file, path_, ": the header is not valid JSON at its byte ", position,
         "; the file is damaged");
  }

 private:
  enum class At { start, top, metadata, tensor, shape, offsets };

  std::string where() const {
    std::string text = path_ + ": header key " + in_quotes(key_);
    if (at_ != At::top && at_ != At::metadata && !entries.empty())
      text += " of tensor " + in_quotes(entries.back().view.name);
    return text;
  }
  void demand(bool ok, const char* fault) const {
    if (!ok) fail(Code::bad_file, where(), fault, "; the file is damaged");
  }
  [[noreturn]] bool refuse(const char* what) const {
    fail(Code::bad_file, where(), " is ", what,
         ", which the safetensors format does not allow there");
  }

  std::string path_, key_;
  Limits limits_;
  At at_ = At::start;
  bool has_metadata_ = false;
  unsigned fields_ = 0, offsets_ = 0;  // of the tensor: a bit for each key; how many
};

TensorView to_view(const std::string& path, Entry& entry, std::span<const std::byte> data,
                   uint64_t& covered) {
  const std::string where = where_is(path, entry);
  const uint64_t begin = entry.begin, end = entry.end;
  check(begin <= end && end <= data.size(), Code::bad_file, where, " lies at ", begin, " to ", end,
        ", but the file holds ", data.size(), " bytes of data; it is cut short or damaged");
  check(begin == covered, Code::bad_file, where, " begins at ", begin, " where ", covered,
        " was expected: tensors must follow each other without gap or overlap");
  covered = end;
  TensorView view = std::move(entry.view);
  uint64_t bytes = size_of(view.type);
  bool fits = true;
  for (int64_t d : view.shape)
    fits = fits && !__builtin_mul_overflow(bytes, static_cast<uint64_t>(d), &bytes);
  check(fits && bytes == end - begin, Code::bad_file, where, " is ", name_of(view.type), ", ",
        to_string(view.shape), ", which does not take the ", end - begin,
        " bytes that the header gives it; the file is damaged");
  view.data = data.subspan(begin, end - begin);
  return view;
}

std::map<std::string, std::string> parse_checksums(const std::string& path, const std::string& json,
                                                   const Limits& limits) {
  const std::string what = cat(path, ": ", key_checksums);
  const auto bad = [&] { fail(Code::bad_file, what, " is not a JSON object of checksums"); };
  const Document document{parse_json(json, what, limits)};
  if (!document.json.is_object()) bad();
  std::map<std::string, std::string> checksums;
  for (const auto& [name, value] : document.json.items()) {
    if (!value.is_string() || value.get_ref<const std::string&>().size() != checksum_digits) bad();
    checksums.emplace(name, value.get<std::string>());
  }
  return checksums;
}

// The rules for files that carry our metadata; any other file is plain and has no checksums.
// Returns the checksums.
std::map<std::string, std::string> check_metadata(
    const std::string& path, const std::vector<TensorView>& tensors,
    const std::map<std::string, std::string>& metadata, const Limits& limits) {
  const auto has = [&](const char* key) { return metadata.contains(key); };
  const auto min_reader = metadata.find(key_min_reader);
  if (min_reader != metadata.end()) {
    const std::optional<uint64_t> version = parse_number<uint64_t>(min_reader->second);
    check(version.has_value(), Code::bad_file, path, ": ", key_min_reader,
          " should be a whole number, but is ", in_quotes(min_reader->second));
    check(*version <= format_version, Code::unsupported, path, " needs a reader of format ",
          *version, ", but this libalexnet ", ALEXNET_VERSION, " reads formats up to ",
          format_version, "; install a newer one");
  }
  if (!has(key_format) && !has(key_min_reader) && !has(key_checksums) &&
      !has(key_metadata_checksum))
    return {};
  for (const char* key : {key_format, key_min_reader, key_checksums, key_metadata_checksum})
    check(has(key), Code::bad_file, path, ": the metadata has no ", key,
          ", which goes with the other alexnet keys: ",
          "the file is damaged, get it again; or, where a program has edited it, let that drop all "
          "keys in alexnet.*");
  const std::string expected = metadata.at(key_metadata_checksum),
                    found = metadata_checksum(metadata);
  check(expected == found, Code::bad_file, path,
        ": the metadata is damaged: its checksum should be ", in_quotes(expected), " and is ",
        found);
  auto checksums = parse_checksums(path, metadata.at(key_checksums), limits);
  for (const TensorView& tensor : tensors)
    check(checksums.contains(tensor.name), Code::bad_file, path, ": tensor ",
          in_quotes(tensor.name), " has no checksum");
  check(checksums.size() == tensors.size(), Code::bad_file, path, ": there are ", checksums.size(),
        " checksums for ", tensors.size(), " tensors");
  return checksums;
}

}  // namespace

WeightFile open_safetensors(std::shared_ptr<MappedFile> file, const Limits& limits) {
  const auto bytes = file->bytes();
  const std::string& path = file->path();
  check(bytes.size() >= 8, Code::bad_file, path, ": too short for a safetensors file");
  const auto header_size = load_le<uint64_t>(bytes.data());
  check(header_size <= max_header_bytes, Code::bad_file, path, ": its header claims ", header_size,
        " bytes; at most ", max_header_bytes, " are allowed. It is damaged or no safetensors file");
  check(header_size <= bytes.size() - 8, Code::bad_file, path, ": its header claims ", header_size,
        " bytes, but only ", bytes.size() - 8, " follow; it is cut short or no safetensors file");
  const auto header = as_text(bytes.subspan(8, header_size));
  check(header.starts_with('{'), Code::bad_file, path, ": the header does not begin with '{'");
  check(header.find('\0') == header.npos, Code::bad_file, path,
        ": the header has a zero byte, at which JSON would end");

  HeaderReader reader(path, limits);
  nlohmann::json::sax_parse(header.begin(), header.end(), &reader);
  std::ranges::stable_sort(reader.entries, {},
                           [](const Entry& entry) { return std::pair(entry.begin, entry.end); });
  const auto data = bytes.subspan(8 + header_size);
  uint64_t covered = 0;
  std::vector<TensorView> tensors;
  tensors.reserve(reader.entries.size());
  for (Entry& entry : reader.entries) tensors.push_back(to_view(path, entry, data, covered));
  check(covered == data.size(), Code::bad_file, path, ": ", data.size() - covered,
        " byte(s) follow the last tensor; ", "the file is damaged");
  WeightFile result(std::move(file), limits);
  result.set_tensors(std::move(tensors));
  result.checksums_ = check_metadata(result.path(), result.tensors_, reader.metadata, limits);
  result.metadata_ = std::move(reader.metadata);
  return result;
}

}  // namespace alx
