#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/path.h"
#include "data/bytes.h"
#include "data/container.h"
#include "data/dataset_kinds.h"
#include "data/read_file.h"

namespace alx {
namespace fs = std::filesystem;
namespace {

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

// Pictures of one size in memory, from a few files one after the other.
class BinaryDataset : public Dataset {
 public:
  int64_t size() const override { return files_.empty() ? 0 : files_.back().end; }
  std::string name(int64_t i) const override {
    const File& file = file_of(i);
    return cat(file.name, "[", i - file.begin, "]");
  }

 protected:
  struct File {
    std::string name;  // without the folder
    std::vector<std::byte> bytes;
    int64_t begin, end;
  };

  void add(std::string name, std::vector<std::byte> bytes, int64_t count) {
    files_.push_back({std::move(name), std::move(bytes), size(), size() + count});
  }
  const File& file_of(int64_t i) const {
    check(i >= 0 && i < size(), Code::invalid_argument, "picture ", i, " of ", size());
    return *std::find_if(files_.begin(), files_.end(),
                         [i](const File& file) { return i < file.end; });
  }

 private:
  std::vector<File> files_;
};

// Records of a label byte and 32x32 pixels, plane by plane.
class CifarDataset final : public BinaryDataset {
 public:
  CifarDataset(const fs::path& dir, const std::vector<std::string>& names, const Limits& limits) {
    limits_ = limits;
    read_classes(dir / "batches.meta.txt");
    for (const std::string& name : names) {
      const std::string path = to_utf8(dir / name);
      std::vector<std::byte> bytes = read_file(path, limits);
      check(!bytes.empty() && bytes.size() % record == 0, Code::bad_file, path, ": ", bytes.size(),
            " bytes are no whole number of CIFAR-10 records of ", record,
            " bytes; fetch the file again");
      for (size_t at = 0; at < bytes.size(); at += record) {
        check(std::to_integer<size_t>(bytes[at]) < classes_.size(), Code::bad_file, path,
              ": record ", at / record, " has label ", std::to_integer<int>(bytes[at]),
              "; CIFAR-10 has labels 0 to ", classes_.size() - 1);
      }
      const auto count = static_cast<int64_t>(bytes.size() / record);
      add(name, std::move(bytes), count);
    }
  }

  int64_t label(int64_t i) const override { return std::to_integer<int64_t>(*record_of(i)); }
  Image image(int64_t i, int64_t) const override {
    const std::byte* pixels = record_of(i) + 1;
    Image image = black_image(side, side);
    for (size_t p = 0; p < plane; ++p) {
      for (size_t c = 0; c < 3; ++c)
        image.pixels[p * 3 + c] = std::to_integer<uint8_t>(pixels[c * plane + p]);
    }
    return image;
  }

 private:
  static constexpr int64_t side = 32;
  static constexpr size_t plane = 32 * 32, record = 1 + 3 * plane;

  const std::byte* record_of(int64_t i) const {
    const File& file = file_of(i);
    return file.bytes.data() + static_cast<size_t>(i - file.begin) * record;
  }
  void read_classes(const fs::path& path) {
    classes_ = {"airplane", "automobile", "bird",  "cat",  "deer",
                "dog",      "frog",       "horse", "ship", "truck"};
    if (!is_there(path)) return;
    Limits few = limits_;
    few.bytes = std::min<int64_t>(few.bytes, 1 << 16);  // ten names
    const std::vector<std::byte> bytes = read_file(to_utf8(path), few);
    std::vector<std::string> names(1);
    for (const std::byte byte : bytes) {
      const auto c = std::to_integer<unsigned char>(byte);
      if (c > ' ')
        names.back() += static_cast<char>(c);
      else if (!names.back().empty())
        names.emplace_back();
    }
    if (names.back().empty()) names.pop_back();
    if (names.size() == classes_.size()) classes_ = names;
  }
};

// A pair of idx files: (n, rows, columns) of grey bytes, and n labels.
class IdxDataset final : public BinaryDataset {
 public:
  IdxDataset(const fs::path& images, const fs::path& labels, const Limits& limits) {
    limits_ = limits;
    const std::string path = to_utf8(images), label_path = to_utf8(labels);
    std::vector<int64_t> sizes, labelled;
    std::vector<std::byte> pixels = read(path, sizes, 3, [&] {
      check(sizes[1] > 0 && sizes[2] > 0 && sizes[1] <= max_image_side &&
                sizes[2] <= max_image_side && sizes[1] * sizes[2] <= limits.pixels,
            Code::bad_file, path, ": pictures of ", sizes[2], "x", sizes[1], " pixels; at most ",
            limits.pixels, " pixels and sides of 1 to ", max_image_side, " are read");
    });
    labels_ = read(label_path, labelled, 1, [&] {
      check(sizes[0] == labelled[0], Code::bad_file, path, " has ", sizes[0], " pictures and ",
            label_path, " ", labelled[0], " labels; they must be of one set");
    });
    height_ = sizes[1];
    width_ = sizes[2];
    check(sizes[0] > 0, Code::bad_file, path, ": a set without pictures");
    const auto highest =
        std::to_integer<int>(*std::max_element(labels_.begin() + label_header, labels_.end()));
    for (int i = 0; i <= highest; ++i) classes_.push_back(std::to_string(i));
    add(to_utf8(images.filename()), std::move(pixels), sizes[0]);
  }

  int64_t label(int64_t i) const override {
    check(i >= 0 && i < size(), Code::invalid_argument, "label ", i, " of ", size());
    return std::to_integer<int64_t>(labels_[static_cast<size_t>(i) + label_header]);
  }
  Image image(int64_t i, int64_t) const override {
    const size_t count = static_cast<size_t>(width_ * height_);
    const std::byte* grey = file_of(i).bytes.data() + image_header + static_cast<size_t>(i) * count;
    Image image = black_image(width_, height_);
    for (size_t p = 0; p < count * 3; ++p) image.pixels[p] = std::to_integer<uint8_t>(grey[p / 3]);
    return image;
  }

 private:
  static constexpr size_t label_header = 8, image_header = 16;

  // A whole file. `check_sizes` may refuse those of its header before what they announce takes any
  // memory.
  template <class Check>
  std::vector<std::byte> read(const std::string& path, std::vector<int64_t>& sizes,
                              uint32_t dimensions, Check&& check_sizes) const {
    const size_t header = 4 + 4 * size_t{dimensions};
    uint64_t announced = 0;
    const auto look = [&](std::span<const std::byte> bytes) {
      announced = read_header(bytes, path, dimensions, sizes);
      check_sizes();
      return header + announced;
    };
    std::vector<std::byte> bytes = read_gzip_file(path, header, look, limits_);
    look(bytes);
    check(bytes.size() - header == announced, Code::bad_file, path, ": has ", bytes.size() - header,
          " bytes behind its header, which announces ", announced, "; fetch it again");
    return bytes;
  }

  // How many bytes follow.
  uint64_t read_header(std::span<const std::byte> bytes, const std::string& path,
                       uint32_t dimensions, std::vector<int64_t>& sizes) const {
    const ByteView view(bytes);
    const uint32_t magic = 0x800 + dimensions;  // unsigned bytes
    check(view.be32(0) == magic && bytes.size() >= 4 + 4 * dimensions, Code::bad_file, path,
          ": is no idx file of unsigned bytes in ", dimensions, " dimension(s): it starts with ",
          view.be32(0), ", not ", magic);
    sizes.clear();
    for (uint32_t d = 0; d < dimensions; ++d) sizes.push_back(view.be32(4 + 4 * d));
    const auto most = static_cast<uint64_t>(limits_.bytes);
    uint64_t needed = 1;
    for (const int64_t size : sizes)
      needed = size == 0                                     ? 0
               : needed > most / static_cast<uint64_t>(size) ? most + 1
                                                             : needed * static_cast<uint64_t>(size);
    return needed;
  }

  std::vector<std::byte> labels_;
  int64_t width_ = 0, height_ = 0;
};

fs::path idx_file(const fs::path& dir, const std::string& prefix, const std::string& what) {
  for (const char* separator : {"-", "."}) {
    for (const char* ending : {"", ".gz"}) {
      fs::path path = dir / cat(prefix, "-", what, separator, what == "images" ? "idx3" : "idx1",
                                "-ubyte", ending);
      if (is_there(path)) return path;
    }
  }
  return {};
}

// Null where `dir` holds no file of the kind.
std::unique_ptr<Dataset> open_cifar_dataset(const std::string& dir, const std::string& part,
                                            const Limits& limits) {
  std::vector<std::string> train, test;
  for (int i = 1; i <= 5; ++i) {
    std::string name = cat("data_batch_", i, ".bin");
    if (is_there(to_path(dir) / name)) train.push_back(std::move(name));
  }
  if (is_there(to_path(dir) / "test_batch.bin")) test.push_back("test_batch.bin");
  if (train.empty() && test.empty()) return nullptr;
  const std::vector<std::string>& wanted = part == "train" ? train : test;
  check(!wanted.empty(), Code::not_found, dir, ": holds CIFAR-10 binary files, but none of its ",
        part,
        " part: ", part == "train" ? "data_batch_1.bin to data_batch_5.bin" : "test_batch.bin",
        " was looked for");
  return std::make_unique<CifarDataset>(to_path(dir), wanted, limits);
}

std::unique_ptr<Dataset> open_idx_dataset(const std::string& dir, const std::string& part,
                                          const Limits& limits) {
  const auto pair = [&](const std::string& prefix) {
    return std::pair(idx_file(dir, prefix, "images"), idx_file(dir, prefix, "labels"));
  };
  const auto train = pair("train"), test = pair("t10k");
  if (train.first.empty() && test.first.empty()) return nullptr;
  const auto& [images, labels] = part == "train" ? train : test;
  const char* prefix = part == "train" ? "train" : "t10k";
  check(!images.empty() && !labels.empty(), Code::not_found, dir, ": holds idx files, but its ",
        part, " part is not complete: ", prefix, "-images-idx3-ubyte and ", prefix,
        "-labels-idx1-ubyte, plain or .gz, were looked for");
  return std::make_unique<IdxDataset>(images, labels, limits);
}

}  // namespace

std::unique_ptr<Dataset> open_binary_dataset(const std::string& dir, const std::string& part,
                                             const Limits& limits) {
  if (auto cifar = open_cifar_dataset(dir, part, limits)) return cifar;
  return open_idx_dataset(dir, part, limits);
}

}  // namespace alx
