// torchvision's .pth: what torch.save writes, as a zip archive (since torch 1.6) or as a row of
// pickles (before).
#include <algorithm>
#include <set>

#include "core/error.h"
#include "weights/bytes.h"
#include "weights/format.h"
#include "weights/pickle.h"
#include "weights/weights.h"
#include "weights/zip_reader.h"

namespace alx {
namespace {

using Bytes = std::span<const std::byte>;
using Kind = PickleValue::Kind;
using Name = PickleValue::Name;

constexpr size_t longest_key = 256;  // of a storage: torch writes numbers
// tensors may share storages, but not make much more work than the file's size
constexpr uint64_t most_sharing = 8;

struct Storage {
  std::string key;
  DataType type = DataType::f32;
  uint64_t count = 0;  // elements
};

// Reads tensors out of a parsed pickle. All errors carry the path and the tensor's name.
class StateDict {
 public:
  StateDict(const Pickle& pickle, std::string path) : pickle_(pickle), where_(std::move(path)) {}

  // The dictionary of tensors: the root, or the root's "state_dict" as training scripts save it.
  std::vector<std::pair<std::string_view, const PickleValue*>> tensors() const {
    const PickleValue* dict = &pickle_.root();
    demand(dict->kind == Kind::dict, "the pickle holds no dictionary");
    for (size_t i = 0; i < dict->items.size(); i += 2) {
      const PickleValue &key = item(*dict, i), &value = item(*dict, i + 1);
      if (key.kind == Kind::text && key.text == "state_dict" && value.kind == Kind::dict) {
        dict = &value;
        break;
      }
    }
    std::vector<std::pair<std::string_view, const PickleValue*>> result;
    // one text may stand for many keys, and must not be copied for each
    std::set<std::string_view> names;
    for (size_t i = 0; i < dict->items.size(); i += 2) {
      const PickleValue &key = item(*dict, i), &value = item(*dict, i + 1);
      demand(key.kind == Kind::text, "a key of the dictionary is no text");
      if (value.kind != Kind::tensor && value.kind != Kind::parameter)
        refuse("entry " + in_quotes(key.text) +
                   " is no tensor; save with torch.save(model.state_dict(), path)",
               Code::unsupported);
      if (!names.insert(key.text).second) refuse("tensor " + in_quotes(key.text) + " occurs twice");
      result.emplace_back(key.text, &value);
    }
    return result;
  }

  // _rebuild_parameter(tensor, requires_grad, backward_hooks) -> the tensor.
  const PickleValue& tensor(const PickleValue& value) const {
    if (value.kind == Kind::tensor) return value;
    demand(value.items.size() == 3 && item(value, 0).kind == Kind::tensor &&
               item(value, 1).kind == Kind::boolean && no_hooks(item(value, 2)),
           "a parameter has other arguments than a tensor, requires_grad and no hooks");
    return item(value, 0);
  }

  Storage storage(const PickleValue& value) const {
    // ("storage", type, key, device, count) and, in the old form, a sixth: None, or a view into
    // another storage.
    demand(value.kind == Kind::storage && (value.items.size() == 5 || value.items.size() == 6),
           "a storage is malformed");
    const PickleValue &tag = item(value, 0), &type = item(value, 1), &key = item(value, 2),
                      &count = item(value, 4);
    demand(tag.kind == Kind::text && tag.text == "storage" && type.kind == Kind::name &&
               key.kind == Kind::text && key.text.size() <= longest_key &&
               count.kind == Kind::integer && count.integer >= 0,
           "a storage is malformed");
    if (value.items.size() == 6 && item(value, 5).kind != Kind::none)
      refuse(
          "a storage is a view of another, as very old versions of torch wrote them; load and save "
          "the file with a new "
          "one",
          Code::unsupported);
    Storage result{std::string(key.text), DataType::f32, static_cast<uint64_t>(count.integer)};
    demand(type.name == Name::f32_storage || type.name == Name::f16_storage ||
               type.name == Name::bf16_storage,
           "a storage has no type");
    if (type.name == Name::f16_storage) result.type = DataType::f16;
    if (type.name == Name::bf16_storage) result.type = DataType::bf16;
    return result;
  }

  // Whether the values are those of the storage with the other sign.
  // _rebuild_tensor(storage, offset, shape, strides); _v2 adds requires_grad, backward_hooks and,
  // not always, a dictionary. Torch takes a key in there as true, whatever its value.
  bool negated(const PickleValue& tensor) const {
    const size_t count = tensor.items.size();
    if (tensor.name == Name::rebuild_tensor) {
      demand(count == 4, "a tensor has other arguments than storage, offset, shape and strides");
      return false;
    }
    demand((count == 6 || count == 7) && item(tensor, 4).kind == Kind::boolean &&
               no_hooks(item(tensor, 5)),
           "a tensor has other arguments than storage, offset, shape, strides, requires_grad, no "
           "hooks and metadata");
    if (count == 6 || item(tensor, 6).kind == Kind::none) return false;
    const PickleValue& metadata = item(tensor, 6);
    demand(metadata.kind == Kind::dict, "a tensor's metadata is no dictionary");
    for (size_t i = 0; i < metadata.items.size(); i += 2) {
      const PickleValue &key = item(metadata, i), &value = item(metadata, i + 1);
      if (key.kind != Kind::text || key.text != "neg" || value.kind != Kind::boolean ||
          value.integer != 1)
        refuse(
            "it carries the metadata " +
                (key.kind == Kind::text ? in_quotes(key.text) : "of a key that is no text") +
                ", which is not understood and may change its values; save it as .detach().clone()",
            Code::unsupported);
    }
    return !metadata.items.empty();
  }

  std::vector<int64_t> sizes(const PickleValue& value) const {
    demand(value.kind == Kind::tuple && value.items.size() <= max_dimensions,
           "a shape is malformed");
    std::vector<int64_t> result;
    for (size_t i = 0; i < value.items.size(); ++i) {
      demand(item(value, i).kind == Kind::integer && item(value, i).integer >= 0,
             "a shape or stride is malformed");
      result.push_back(item(value, i).integer);
    }
    return result;
  }

  [[noreturn]] void refuse(const std::string& fault, Code code = Code::bad_file) const {
    fail(code, where_, ": ", fault);
  }
  void demand(bool ok, const char* fault) const {
    if (!ok) refuse(std::string(fault) + "; the file is damaged or no state_dict");
  }

 private:
  const PickleValue& item(const PickleValue& parent, size_t index) const {
    return pickle_[parent.items[index]];
  }
  bool no_hooks(const PickleValue& value) const {
    return value.kind == Kind::none || (value.kind == Kind::dict && value.items.empty());
  }
  const Pickle& pickle_;
  std::string where_;
};

// A tensor as torch sees it: a window of a storage. Checked: no element lies outside of `data`.
struct Strided {
  Shape shape;
  std::vector<int64_t> strides;
  Bytes data;  // from the first element to the last
  uint64_t count = 0;
  size_t width = 0;
  bool dense = true;
};

Strided check_window(const StateDict& state, Shape shape, std::vector<int64_t> strides,
                     uint64_t offset, Bytes storage, size_t width) {
  state.demand(shape.size() == strides.size(), "a tensor has not as many strides as dimensions");
  Strided result{std::move(shape), std::move(strides), {}, 1, width, true};
  uint64_t reach = 0, step = 1;  // of the last element; of a dense tensor at this dimension
  for (size_t d = result.shape.size(); d-- > 0;) {
    const auto extent = static_cast<uint64_t>(result.shape[d]),
               stride = static_cast<uint64_t>(result.strides[d]);
    if (extent != 1) result.dense = result.dense && stride == step;
    uint64_t span = 0;
    const bool overflow = __builtin_mul_overflow(result.count, extent, &result.count) ||
                          __builtin_mul_overflow(extent ? extent - 1 : 0, stride, &span) ||
                          __builtin_add_overflow(reach, span, &reach);
    state.demand(!overflow && result.count <= INT64_MAX, "a tensor's size is absurd");
    step = result.count;
  }
  const uint64_t elements = storage.size() / width, used = result.count ? reach + 1 : 0;
  state.demand(inside(offset, used, elements), "a tensor reaches beyond its storage");
  if (result.count > elements)
    state.refuse("a tensor of shape " + to_string(result.shape) +
                     " repeats the elements of its storage (expand()); save it as .contiguous()",
                 Code::unsupported);
  result.data = storage.subspan(offset * width, used * width);
  result.dense = result.dense || result.count == 0;
  return result;
}

std::shared_ptr<const std::vector<std::byte>> make_dense(const Strided& from, bool negated) {
  struct Dimension {
    uint64_t extent, stride, index;
  };
  std::vector<Dimension> dimensions;
  // those of one element would be walked over for each element
  for (size_t d = 0; d < from.shape.size(); ++d)
    if (from.shape[d] != 1)
      dimensions.push_back(
          {static_cast<uint64_t>(from.shape[d]), static_cast<uint64_t>(from.strides[d]), 0});
  auto dense = std::make_shared<std::vector<std::byte>>(from.count * from.width);
  uint64_t at = 0;
  for (uint64_t i = 0; i < from.count; ++i) {
    std::byte* to = dense->data() + i * from.width;
    std::copy_n(from.data.data() + at * from.width, from.width, to);
    if (negated) to[from.width - 1] ^= std::byte{0x80};  // the sign of every float type
    // on to the next element, the last dimension fastest
    for (size_t d = dimensions.size(); d-- > 0;) {
      Dimension& dimension = dimensions[d];
      at += dimension.stride;
      if (++dimension.index < dimension.extent) break;
      at -= dimension.stride * dimension.extent;
      dimension.index = 0;
    }
  }
  return dense;
}

struct Located {
  Storage storage;
  Bytes bytes;
};
using Storages = std::map<std::string, Located, std::less<>>;

struct Result {
  std::vector<TensorView> tensors;
  std::vector<std::shared_ptr<const std::vector<std::byte>>> owned;
};

Result read_tensors(const Pickle& pickle, const std::string& path, size_t file_size,
                    const Storages& storages) {
  Result result;
  uint64_t all_bytes = 0, owned_bytes = 0;
  for (const auto& [name, value] : StateDict(pickle, path).tensors()) {
    const StateDict state(pickle, path + ": tensor " + in_quotes(name));
    const PickleValue& tensor = state.tensor(*value);
    const bool negated = state.negated(tensor);
    const PickleValue& offset = pickle[tensor.items[1]];
    state.demand(offset.kind == Kind::integer && offset.integer >= 0, "an offset is malformed");
    const Located& located = storages.at(state.storage(pickle[tensor.items[0]]).key);
    const size_t width = size_of(located.storage.type);
    const Strided strided = check_window(
        state, state.sizes(pickle[tensor.items[2]]), state.sizes(pickle[tensor.items[3]]),
        static_cast<uint64_t>(offset.integer), located.bytes, width);
    all_bytes += strided.count * width;
    if (all_bytes / most_sharing > file_size)
      state.refuse(
          cat("the tensors up to this one share their storages so often that they have over ",
              most_sharing, " times the file's bytes; save them as .clone()"),
          Code::unsupported);
    TensorView view{std::string(name), located.storage.type, strided.shape, strided.data};
    if (!strided.dense || negated) {
      owned_bytes += strided.count * width;
      if (owned_bytes > file_size)
        state.refuse(
            "the strided and negated tensors would take more memory than the file; save them as "
            ".contiguous().resolve_neg()",
            Code::unsupported);
      result.owned.push_back(make_dense(strided, negated));
      view.data = *result.owned.back();
    }
    result.tensors.push_back(std::move(view));
  }
  return result;
}

// Every storage that the pickle mentions, with the bytes that `locate` finds for it.
template <class Locate>
Storages find_storages(const Pickle& pickle, const std::string& path, Locate&& locate) {
  const StateDict state(pickle, path);
  Storages storages;
  for (const PickleValue& value : pickle.values()) {
    if (value.kind != Kind::storage) continue;
    const Storage storage = state.storage(value);
    const auto [entry, added] = storages.try_emplace(storage.key, Located{storage, {}});
    if (added) entry->second.bytes = locate(storage);
    if (entry->second.storage.type != storage.type || entry->second.storage.count != storage.count)
      state.refuse("storage " + in_quotes(storage.key) + " has two types or sizes");
  }
  return storages;
}

uint64_t byte_count(const std::string& path, const Storage& storage) {
  uint64_t bytes = 0;
  check(!__builtin_mul_overflow(storage.count, size_of(storage.type), &bytes), Code::bad_file, path,
        ": storage ", in_quotes(storage.key), " has an absurd size: ", storage.count);
  return bytes;
}

Result open_zip(const std::string& path, Bytes file, const Limits& limits) {
  const auto entries = stored_entries(file, path);
  const auto main = std::find_if(entries.begin(), entries.end(), [](const auto& entry) {
    const size_t slash = entry.first.find('/');
    return slash != std::string::npos && entry.first.substr(slash) == "/data.pkl";
  });
  check(main != entries.end(), Code::bad_file, path,
        ": the zip archive has no data.pkl; it was not written by torch.save");
  const std::string folder = main->first.substr(0, main->first.find('/') + 1);
  const auto order = entries.find(folder + "byteorder");
  check(order == entries.end() || as_text(order->second) == "little", Code::unsupported, path,
        ": it was saved on a big-endian machine; save it on a little-endian one");
  const Pickle pickle(main->second, path, limits);
  const Storages storages = find_storages(pickle, path, [&](const Storage& storage) {
    const auto found = entries.find(folder + "data/" + storage.key);
    check(found != entries.end(), Code::bad_file, path, ": the data of storage ",
          in_quotes(storage.key), " is missing");
    check(found->second.size() == byte_count(path, storage), Code::bad_file, path, ": storage ",
          in_quotes(storage.key), " should have ", byte_count(path, storage), " bytes, but has ",
          found->second.size());
    return found->second;
  });
  return read_tensors(pickle, path, file.size(), storages);
}

// Magic number, protocol version, facts about the machine, the state_dict, the storages' keys: five
// pickles. Then the storages in the order of the keys, each as its count and its elements.
Result open_legacy(const std::string& path, Bytes file, const Limits& limits) {
  constexpr std::string_view magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e",
                                   15);
  check(as_text(file).starts_with(magic), Code::bad_file, path,
        ": it is a pickle, but not one that torch.save wrote");
  size_t at = magic.size();
  const auto next = [&] {
    Pickle pickle(file.subspan(at), path, limits);
    at += pickle.size();
    return pickle;
  };
  const Pickle version = next();
  check(version.root().kind == Kind::integer && version.root().integer == 1001, Code::unsupported,
        path, ": it has a version of torch's old format that is not known; only 1001 is");
  const Pickle machine = next();
  const auto& facts = machine.root().items;
  for (size_t i = 0; machine.root().kind == Kind::dict && i < facts.size(); i += 2)
    check(machine[facts[i]].text != "little_endian" || machine[facts[i + 1]].integer == 1,
          Code::unsupported, path,
          ": it was saved on a big-endian machine; save it on a little-endian one");
  const Pickle pickle = next(), keys = next();
  check(keys.root().kind == Kind::list, Code::bad_file, path, ": the list of storages is missing");

  Storages storages = find_storages(pickle, path, [](const Storage&) { return Bytes(); });
  size_t located = 0;
  for (uint32_t index : keys.root().items) {
    const auto found = storages.find(keys[index].text);
    check(found != storages.end() && found->second.bytes.data() == nullptr, Code::bad_file, path,
          ": storage ", in_quotes(keys[index].text), " is listed twice or belongs to no tensor");
    const uint64_t bytes = byte_count(path, found->second.storage);
    check(inside(at, 8, file.size()) && inside(at + 8, bytes, file.size()), Code::bad_file, path,
          ": storage ", in_quotes(keys[index].text), " is cut short");
    check(load_le<uint64_t>(file.data() + at) == found->second.storage.count, Code::bad_file, path,
          ": storage ", in_quotes(keys[index].text), " has another size than the pickle says");
    found->second.bytes = file.subspan(at + 8, bytes);
    at += 8 + bytes;
    ++located;
  }
  check(located == storages.size(), Code::bad_file, path, ": ", storages.size() - located,
        " storages have no data");
  check(at == file.size(), Code::bad_file, path, ": ", file.size() - at,
        " bytes are left over at the end; it is damaged");
  return read_tensors(pickle, path, file.size(), storages);
}

}  // namespace

WeightFile open_torch(std::shared_ptr<MappedFile> file, const Limits& limits) {
  const Bytes bytes = file->bytes();
  const bool zip = !bytes.empty() && bytes[0] == std::byte{'P'};
  Result parts =
      zip ? open_zip(file->path(), bytes, limits) : open_legacy(file->path(), bytes, limits);
  WeightFile result(std::move(file), limits);
  result.owned_ = std::move(parts.owned);
  result.set_tensors(std::move(parts.tensors));
  return result;
}

}  // namespace alx
