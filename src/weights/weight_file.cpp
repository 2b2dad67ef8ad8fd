// What every kind of weight file shares once it is open.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "weights/bytes.h"
#include "weights/format.h"
#include "weights/hash.h"
#include "weights/model_id.h"
#include "weights/weights.h"

namespace alx {

WeightFile open_safetensors(std::shared_ptr<MappedFile>, const Limits&);
WeightFile open_torch(std::shared_ptr<MappedFile>, const Limits&);

namespace {

constexpr size_t usual_piece = size_t{1} << 20;   // elements
constexpr size_t largest_page = size_t{1} << 16;  // of memory, on any machine
constexpr size_t most_faults = 100;

// Calls use(first element, count, bytes) piece by piece, gives the pages back behind itself, and
// returns the checksum.
template <class Use>
std::string pass_over(const MappedFile& file, const TensorView& tensor, size_t piece, Use&& use) {
  const size_t width = size_of(tensor.type), count = tensor.data.size() / width;
  Hasher hasher;
  size_t released = 0;
  for (size_t first = 0; first < count; first += piece) {
    const size_t n = std::min(piece, count - first);
    const auto bytes = tensor.data.subspan(first * width, n * width);
    use(first, n, bytes.data());
    hasher.update(bytes);
    file.release(tensor.data.subspan(released, (first + n) * width - released));
    // a page cut here stays
    released = (first + n) * width - std::min<size_t>((first + n) * width, largest_page);
  }
  return hasher.hex();
}

// The kinds of files that are read, by how they begin.
constexpr size_t sniffed_bytes = 9;
struct FileKind {
  bool (*begins_so)(std::string_view start);
  WeightFile (*open)(std::shared_ptr<MappedFile>, const Limits&);
};
constexpr FileKind file_kinds[] = {
    {[](std::string_view start) { return start.size() == 9 && start[8] == '{'; }, open_safetensors},
    {[](std::string_view start) {
       return start.starts_with("PK\x03\x04") || start.starts_with("\x80\x02");
     },
     open_torch},
};

std::string damage(const std::string& name, const std::string& expected, const std::string& found) {
  return cat("tensor ", in_quotes(name), " is damaged: its checksum should be ", expected,
             " and is ", found);
}

bool is_scale_for(const TensorView& scale, const TensorView& tensor) {
  const int64_t count = element_count(scale.shape);
  return scale.type != DataType::i8 &&
         (count == 1 || (!tensor.shape.empty() && scale.shape == Shape{tensor.shape.front()}));
}

}  // namespace

WeightFile WeightFile::open(const std::string& path, const Limits& limits) {
  return open(std::make_shared<MappedFile>(path), limits);
}

WeightFile WeightFile::open(std::vector<std::byte> bytes, const std::string& name,
                            const Limits& limits) {
  return open(std::make_shared<MappedFile>(name, std::move(bytes)), limits);
}

WeightFile WeightFile::open(std::shared_ptr<MappedFile> file, const Limits& limits) {
  const std::string& path = file->path();
  const auto bytes = file->bytes();
  const std::string_view start = as_text(bytes.first(std::min(bytes.size(), sniffed_bytes)));
  for (const FileKind& kind : file_kinds)
    if (kind.begins_so(start)) return kind.open(std::move(file), limits);
  check(!bytes.empty(), Code::bad_file, path, ": is empty (0 bytes) where weights were expected");
  check(start[0] != '{', Code::bad_file, path,
        ": begins as a network's spec, which holds no weights; train it, or give the weights");
  fail(Code::bad_file, path, ": neither safetensors nor a torch .pth: ", bytes.size(),
       " bytes that begin with ", in_quotes(start),
       ". It may be damaged, cut short, or a download that failed");
}

void WeightFile::set_tensors(std::vector<TensorView> tensors) {
  tensors_ = std::move(tensors);
  by_name_.resize(tensors_.size());
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  const auto name = [this](uint32_t i) -> const std::string& { return tensors_[i].name; };
  std::ranges::sort(by_name_, {}, name);
  const auto twice = std::ranges::adjacent_find(by_name_, {}, name);
  if (twice != by_name_.end())
    fail(Code::bad_file, path(), ": tensor ", in_quotes(name(*twice)),
         " occurs twice; the file is damaged");
}

const TensorView* WeightFile::find(const std::string& name) const {
  const auto found = std::ranges::lower_bound(
      by_name_, name, {}, [this](uint32_t i) -> const std::string& { return tensors_[i].name; });
  return found == by_name_.end() || tensors_[*found].name != name ? nullptr : &tensors_[*found];
}

std::string WeightFile::metadata(const std::string& key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? "" : found->second;
}

std::vector<float> WeightFile::scales_of(const TensorView& tensor) const {
  if (tensor.type != DataType::i8) return {1};
  const TensorView* scale = find(tensor.name + scale_suffix);
  check(scale != nullptr, Code::bad_file, path(), ": tensor ", in_quotes(tensor.name),
        " is I8, but the file has no ", in_quotes(tensor.name + scale_suffix), " to read it with");
  check(is_scale_for(*scale, tensor), Code::bad_file, path(), ": tensor ", in_quotes(scale->name),
        " (", name_of(scale->type), ", ", to_string(scale->shape),
        ") must be one float, or one for each row of ", to_string(tensor.shape));
  std::vector<float> scales(static_cast<size_t>(element_count(scale->shape)));
  read(*scale, scales);
  return scales;
}

void WeightFile::read_parts(const TensorView& tensor, size_t part, const ReadSink& sink) const {
  check(part > 0, Code::invalid_argument, path(), ": parts of no elements were asked for");
  const size_t count = tensor.data.size() / size_of(tensor.type);
  const std::vector<float> scales = scales_of(tensor);
  const size_t row = scales.size() > 1 ? count / scales.size() : 0;
  std::vector<float> values(std::min(part, count));
  const std::string found =
      pass_over(*file_, tensor, part, [&](size_t first, size_t n, const std::byte* from) {
        to_float(tensor.type, from, values.data(), n, row || scales.empty() ? 1 : scales.front());
        for (size_t i = 0; row && i < n; ++i) values[i] *= scales[(first + i) / row];
        sink(first, std::span(values).first(n));
      });
  const auto expected = checksums_.find(tensor.name);
  check(expected == checksums_.end() || expected->second == found, Code::bad_file, path(), ": ",
        expected == checksums_.end() ? "" : damage(tensor.name, expected->second, found),
        "; get the file again from where it came");
}

void WeightFile::read(const TensorView& tensor, std::span<float> out) const {
  const size_t count = tensor.data.size() / size_of(tensor.type);
  check(out.size() == count, Code::invalid_argument, path(), ": tensor ", in_quotes(tensor.name),
        " has ", count, " elements, but ", out.size(), " were asked for");
  read_parts(tensor, usual_piece, [&](size_t first, std::span<const float> part) {
    std::copy(part.begin(), part.end(), out.begin() + static_cast<std::ptrdiff_t>(first));
  });
}

std::string WeightFile::checksum() const {
  Hasher hasher;
  for (const uint32_t at : by_name_) {
    const TensorView& tensor = tensors_[at];
    hasher.update(std::as_bytes(std::span(tensor.name)));
    const size_t width = size_of(tensor.type);
    pass_over(*file_, tensor, usual_piece, [&](size_t, size_t n, const std::byte* bytes) {
      hasher.update({bytes, n * width});
    });
  }
  return hasher.hex();
}

std::vector<std::string> WeightFile::faults_of(const TensorView& tensor) const {
  std::vector<std::string> faults;
  std::vector<float> values;
  size_t wrong = 0, first_wrong = 0;
  const std::string found =
      pass_over(*file_, tensor, usual_piece, [&](size_t first, size_t n, const std::byte* from) {
        values.resize(n);
        to_float(tensor.type, from, values.data(), n);
        for (size_t i = 0; i < n; ++i) {
          if (std::isfinite(values[i])) continue;
          if (wrong++ == 0) first_wrong = first + i;
        }
      });
  const auto expected = checksums_.find(tensor.name);
  if (expected != checksums_.end() && expected->second != found)
    faults.push_back(damage(tensor.name, expected->second, found));
  if (wrong > 0)
    faults.push_back(cat("tensor ", in_quotes(tensor.name), " has ", wrong,
                         " values that are NaN or infinite, the first at ", first_wrong));
  if (tensor.type != DataType::i8) return faults;
  const TensorView* scale = find(tensor.name + scale_suffix);
  if (!scale || !is_scale_for(*scale, tensor))
    faults.push_back(cat("tensor ", in_quotes(tensor.name), " is I8 without a fitting ",
                         in_quotes(tensor.name + scale_suffix)));
  return faults;
}

std::vector<std::string> WeightFile::faults() const {
  std::vector<std::string> faults;
  size_t more = 0;
  for (const TensorView& tensor : tensors_)
    for (std::string& fault : faults_of(tensor)) {
      if (faults.size() < most_faults)
        faults.push_back(std::move(fault));
      else
        ++more;
    }
  if (more > 0) faults.push_back(cat("and ", more, " more of the tensors' faults"));
  const auto try_key = [&](const char* key, auto parse) {
    const auto entry = metadata_.find(key);
    if (entry == metadata_.end()) return;
    try {
      parse(entry->second);
    } catch (const Error& error) {
      faults.push_back(error.what());
    }
  };
  try_key(key_model, parse_model_id);
  try_key(key_input, [this](const std::string& json) { input_from_json(json, limits_); });
  try_key(key_labels, [this](const std::string& json) { labels_from_json(json, limits_); });
  return faults;
}

}  // namespace alx
