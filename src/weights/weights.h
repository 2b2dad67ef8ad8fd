// Named tensors from a file, whatever its kind: safetensors (ours or plain), torchvision's .pth.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/limits.h"
#include "core/mapped_file.h"
#include "graph/spec.h"
#include "graph/tensor.h"

namespace alx {

struct TensorView {
  std::string name;
  DataType type = DataType::f32;
  Shape shape;
  std::span<const std::byte> data;  // little-endian, no alignment assumed
};

// An opened weight file. Nothing is copied until a tensor is read.
class WeightFile {
 public:
  // Recognises the kind by content. Checks structure and sizes against the file's length before
  // allocating anything. `limits` hold for the tensors, the pickle, and all JSON in the metadata.
  static WeightFile open(const std::string& path, const Limits& limits = {});
  static WeightFile open(std::vector<std::byte> bytes, const std::string& name,
                         const Limits& limits = {});

  const std::string& path() const { return file_->path(); }
  // as it was opened with
  const Limits& limits() const { return limits_; }
  const std::vector<TensorView>& tensors() const { return tensors_; }  // in file order
  // null where there is none
  const TensorView* find(const std::string& name) const;
  // empty for plain files
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  // "" where absent
  std::string metadata(const std::string& key) const;

  // Dense f32 elements of a tensor (F16, BF16, I8 with NAME.scale converted), into `out` of exactly
  // its count. The checksum, where the file has one, is verified on the way, and the file's pages
  // are given back.
  void read(const TensorView& tensor, std::span<float> out) const;

  // The same in parts of `part` elements, so that a large tensor never stands in memory twice. The
  // checksum is known after the last part only: what the sink has stored is then to be thrown away.
  using ReadSink = std::function<void(size_t first, std::span<const float> elements)>;
  void read_parts(const TensorView& tensor, size_t part, const ReadSink& sink) const;

  // One XXH3-128 in hex over the names and stored bytes of all tensors, in the order of names: the
  // same weights have the same one in whatever kind of file. Reads the whole file.
  std::string checksum() const;

  // The faults found, in words, a hundred at most and then one that tells how many more; empty:
  // sound. Verifies all checksums.
  std::vector<std::string> faults() const;

 private:
  static WeightFile open(std::shared_ptr<MappedFile> file, const Limits& limits);
  friend WeightFile open_safetensors(std::shared_ptr<MappedFile>, const Limits&);
  friend WeightFile open_torch(std::shared_ptr<MappedFile>, const Limits&);
  WeightFile(std::shared_ptr<MappedFile> file, const Limits& limits)
      : file_(std::move(file)), limits_(limits) {}
  void set_tensors(std::vector<TensorView> tensors);  // throws where two have one name
  std::vector<float> scales_of(const TensorView& tensor) const;
  std::vector<std::string> faults_of(const TensorView& tensor) const;
  std::shared_ptr<MappedFile> file_;
  Limits limits_;
  std::vector<TensorView> tensors_;
  // indices of tensors, sorted: little memory where there are a million
  std::vector<uint32_t> by_name_;
  std::map<std::string, std::string> metadata_;
  std::map<std::string, std::string> checksums_;  // tensor -> xxh3-128 in hex
  // Tensors that had to be made dense (strided in a .pth). Shared, so that a copy of this object
  // stays valid.
  std::vector<std::shared_ptr<const std::vector<std::byte>>> owned_;
};

// A tensor to be written; `fill` is called once, with exactly the bytes of the tensor to fill, so
// that a large file never stands in memory whole.
struct TensorToWrite {
  std::string name;
  DataType type = DataType::f32;
  Shape shape;
  std::function<void(std::span<std::byte>)> fill;
};
TensorToWrite make_tensor(std::string name, Shape shape, std::vector<float> values,
                          DataType stored = DataType::f32);

// Writes safetensors with our metadata and checksums: a temporary file beside the target, fsync of
// file and folder, rename. On any error the target is untouched and the temporary file is gone.
// `plain`: no metadata, as Python's strict load_state_dict takes it.
void write_safetensors(const std::string& path, std::vector<TensorToWrite> tensors,
                       std::map<std::string, std::string> metadata, bool plain = false);

// Writes one F32 tensor whose rows come one after the other, for what is too large to stand in
// memory. How many come need not be known before: the header keeps place for `most_rows` and for
// metadata as long as `longest`. A file appears with finish() or not at all.
class RowWriter {
 public:
  using Metadata = std::map<std::string, std::string>;
  RowWriter(const std::string& path, const std::string& tensor, const Shape& row, int64_t most_rows,
            const Metadata& longest);
  ~RowWriter();
  RowWriter(const RowWriter&) = delete;
  RowWriter& operator=(const RowWriter&) = delete;

  void add(std::span<const float> rows);  // whole rows
  void finish(const Metadata& metadata);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// JSON of `alexnet.input` and back; throws bad_file with the offending key.
std::string to_json(const InputSpec& input);
InputSpec input_from_json(const std::string& json, const Limits& limits = {});
// A few bytes, or an option, could else ask for pictures of gigabytes. Throws unsupported.
void check_pixels(const InputSpec& input, const std::string& where, const Limits& limits);
std::vector<std::string> labels_from_json(const std::string& json, const Limits& limits = {});
std::string labels_to_json(const std::vector<std::string>& labels);

// Conversion of stored elements; n elements, `from` unaligned.
void to_float(DataType type, const std::byte* from, float* out, size_t n, float scale = 1);
// round to nearest even; not I8
void from_float(DataType type, const float* from, std::byte* out, size_t n);

}  // namespace alx
