// Writing: data first, one tensor in memory at a time; then the header, whose size does not depend
// on the checksums.
#include <algorithm>
#include <optional>
#include <set>

#include "core/atomic_file.h"
#include "core/error.h"
#include "core/output_lock.h"
#include "core/text.h"
#include "weights/bytes.h"
#include "weights/format.h"
#include "weights/hash.h"
#include "weights/json.h"
#include "weights/weights.h"

namespace alx {
namespace {

size_t byte_count(const TensorToWrite& tensor) {
  uint64_t bytes = 0;
  check(!__builtin_mul_overflow(static_cast<uint64_t>(element_count(tensor.shape)),
                                size_of(tensor.type), &bytes) &&
            bytes <= INT64_MAX && bytes <= SIZE_MAX,
        Code::invalid_argument, "tensor ", in_quotes(tensor.name),
        " is too large: ", to_string(tensor.shape));
  return static_cast<size_t>(bytes);
}

void check_tensors(const std::string& path, const std::vector<TensorToWrite>& tensors) {
  std::set<std::string> names;
  for (const TensorToWrite& tensor : tensors) {
    const auto where = [&] {
      return cat("cannot write ", path, ": tensor ", in_quotes(tensor.name));
    };
    check(!tensor.name.empty() && tensor.name != "__metadata__", Code::invalid_argument, where(),
          " may not be named so");
    check(names.insert(tensor.name).second, Code::invalid_argument, where(), " is given twice");
    check(tensor.type != DataType::i32, Code::invalid_argument, where(),
          " is I32; weights are F32, F16, BF16 or I8");
    check(tensor.fill != nullptr, Code::invalid_argument, where(), " has nothing to fill it");
  }
}

// Written piece by piece: a document of nlohmann's ordered_json copies all its members whenever it
// grows.
class JsonObject {
 public:
  explicit JsonObject(const std::string& path) : path_(path) {}
  void add(const std::string& key, const std::string& json) {
    text_ += cat(text_.empty() ? "{" : ",", quoted(key), ":", json);
  }
  void add_text(const std::string& key, const std::string& text) { add(key, quoted(text)); }
  std::string text() const { return text_.empty() ? "{}" : text_ + "}"; }

 private:
  std::string quoted(const std::string& text) const {
    try {
      return nlohmann::json(text).dump();
    } catch (const nlohmann::json::exception&) {
      fail(Code::invalid_argument, "cannot write ", path_,
           ": a tensor's name or a metadata text is not valid UTF-8");
    }
  }
  const std::string& path_;
  std::string text_;
};

// The length, the JSON and its padding, of at least `size` bytes. Checksums have a fixed length, so
// the size is known before their values are.
std::vector<std::byte> make_header(const std::string& path,
                                   const std::vector<TensorToWrite>& tensors,
                                   std::map<std::string, std::string> metadata, bool plain,
                                   const std::vector<std::string>& checksums, uint64_t size = 0) {
  JsonObject header(path);
  if (!plain) {
    JsonObject sums(path), described(path);
    for (size_t i = 0; i < tensors.size(); ++i) sums.add_text(tensors[i].name, checksums[i]);
    metadata[key_format] = metadata[key_min_reader] = std::to_string(format_version);
    metadata[key_producer] = std::string("libalexnet ") + ALEXNET_VERSION;
    metadata[key_checksums] = sums.text();
    metadata[key_metadata_checksum] = metadata_checksum(metadata);
    for (const auto& [key, value] : metadata) described.add_text(key, value);
    header.add("__metadata__", described.text());
  }
  uint64_t offset = 0;
  for (const TensorToWrite& tensor : tensors) {
    const uint64_t end = offset + byte_count(tensor);
    JsonObject entry(path);
    entry.add_text("dtype", name_of(tensor.type));
    entry.add("shape", cat("[", joined(tensor.shape, ","), "]"));
    entry.add("data_offsets", cat("[", offset, ",", end, "]"));
    header.add(tensor.name, entry.text());
    offset = end;
  }
  std::string json = header.text();
  const uint64_t least = std::max<uint64_t>(8 + json.size(), size);
  json.resize((least + header_alignment - 1) / header_alignment * header_alignment - 8, ' ');
  check(json.size() <= max_header_bytes, Code::invalid_argument, "cannot write ", path,
        ": its header would take ", json.size(), " bytes; at most ", max_header_bytes,
        " are allowed");
  std::vector<std::byte> bytes(8 + json.size());
  store_le(static_cast<uint64_t>(json.size()), bytes.data());
  std::transform(json.begin(), json.end(), bytes.begin() + 8,
                 [](char c) { return static_cast<std::byte>(c); });
  return bytes;
}

uint64_t total_bytes(const std::string& path, uint64_t header,
                     const std::vector<TensorToWrite>& tensors) {
  uint64_t total = header;
  for (const TensorToWrite& tensor : tensors)
    check(!__builtin_add_overflow(total, byte_count(tensor), &total) && total <= INT64_MAX,
          Code::invalid_argument, "cannot write ", path, ": its tensors are too large together");
  return total;
}

}  // namespace

TensorToWrite make_tensor(std::string name, Shape shape, std::vector<float> values,
                          DataType stored) {
  check(static_cast<uint64_t>(element_count(shape)) == values.size(), Code::invalid_argument,
        "tensor ", in_quotes(name), " of ", to_string(shape), " was given ", values.size(),
        " values");
  check(stored != DataType::i8 && stored != DataType::i32, Code::invalid_argument, "tensor ",
        in_quotes(name), " of floats cannot be stored as ", name_of(stored),
        "; F32, F16 and BF16 can");
  // a copied std::function copies no data
  auto shared = std::make_shared<const std::vector<float>>(std::move(values));
  const auto fill = [shared, stored](std::span<std::byte> out) {
    from_float(stored, shared->data(), out.data(), shared->size());
  };
  return {std::move(name), stored, std::move(shape), fill};
}

void write_safetensors(const std::string& path, std::vector<TensorToWrite> tensors,
                       std::map<std::string, std::string> metadata, bool plain) {
  check_tensors(path, tensors);
  // Wider elements first: then every tensor is aligned to its own elements, which torch wants of a
  // mapped file.
  std::stable_sort(tensors.begin(), tensors.end(),
                   [](const auto& a, const auto& b) { return size_of(a.type) > size_of(b.type); });
  std::vector<std::string> checksums(tensors.size(), std::string(checksum_digits, '0'));
  total_bytes(path, 0, tensors);  // before the header adds offsets up
  const uint64_t header_size = make_header(path, tensors, metadata, plain, checksums).size();
  AtomicFile file(path, total_bytes(path, header_size, tensors));

  uint64_t offset = header_size;
  std::vector<std::byte> buffer;
  for (size_t i = 0; i < tensors.size(); ++i) {
    buffer.assign(byte_count(tensors[i]), std::byte{0});
    tensors[i].fill(buffer);
    tensors[i].fill = nullptr;  // frees what it held
    Hasher hasher;
    hasher.update(buffer);
    checksums[i] = hasher.hex();
    file.write(offset, buffer);
    offset += buffer.size();
  }
  const auto header = make_header(path, tensors, std::move(metadata), plain, checksums);
  check(header.size() == header_size, Code::internal, "the header of ", path, " changed its size");
  file.write(0, header);
  file.commit();
}

struct RowWriter::Impl {
  explicit Impl(const std::string& to) : path(to), lock(to) {}
  std::string path;
  std::optional<OutputLock> lock;
  std::vector<TensorToWrite> tensor;  // one
  size_t row_bytes = 0;
  uint64_t header_size = 0, offset = 0;
  std::optional<AtomicFile> file;
  Hasher hasher;
};

RowWriter::RowWriter(const std::string& path, const std::string& tensor, const Shape& row,
                     int64_t most_rows, const Metadata& longest)
    : impl_(std::make_unique<Impl>(path)) {
  Shape shape{most_rows};
  shape.insert(shape.end(), row.begin(), row.end());
  impl_->tensor = {{tensor, DataType::f32, std::move(shape), [](std::span<std::byte>) {}}};
  check_tensors(path, impl_->tensor);
  total_bytes(path, 0, impl_->tensor);
  impl_->row_bytes = static_cast<size_t>(element_count(row)) * sizeof(float);
  impl_->header_size =
      make_header(path, impl_->tensor, longest, false, {std::string(checksum_digits, '0')}).size();
  impl_->file.emplace(path, total_bytes(path, impl_->header_size, impl_->tensor));
}

RowWriter::~RowWriter() = default;

void RowWriter::add(std::span<const float> rows) {
  std::vector<std::byte> bytes(rows.size_bytes());
  from_float(DataType::f32, rows.data(), bytes.data(), rows.size());
  const uint64_t end = impl_->offset + bytes.size();
  check(bytes.size() % impl_->row_bytes == 0 && end <= byte_count(impl_->tensor.front()),
        Code::invalid_argument, rows.size(), " numbers are no whole rows of ", impl_->path,
        ", or more than were announced");
  impl_->hasher.update(bytes);
  impl_->file->write(impl_->header_size + impl_->offset, bytes);
  impl_->offset = end;
}

void RowWriter::finish(const Metadata& metadata) {
  impl_->tensor.front().shape.front() = static_cast<int64_t>(impl_->offset / impl_->row_bytes);
  const auto header = make_header(impl_->path, impl_->tensor, metadata, false,
                                  {impl_->hasher.hex()}, impl_->header_size);
  check(header.size() == impl_->header_size, Code::invalid_argument, "the metadata of ",
        impl_->path, " is longer than was announced");
  impl_->file->write(0, header);
  impl_->file->commit();
  impl_->lock.reset();
}

}  // namespace alx
