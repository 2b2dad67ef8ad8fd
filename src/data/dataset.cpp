#include "data/dataset.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/path.h"
#include "data/dataset_binary.h"
#include "data/dataset_folder.h"

namespace alx {
namespace fs = std::filesystem;
namespace {

// The folder of `part` where `folders`, all there are, are the parts of a set and not its classes: training on "train"
// and "test" as labels is a common slip. Empty where they are classes.
std::string part_folder(const std::string& dir, const std::vector<std::string>& folders, const std::string& part) {
  static constexpr std::array<std::string_view, 5> parts{"train", "test", "val", "validation", "valid"};
  const auto is_there = [&](std::string_view name) {
    return std::find(folders.begin(), folders.end(), name) != folders.end();
  };
  if (std::count_if(parts.begin(), parts.end(), is_there) != std::ssize(folders)) return {};
  for (const std::string_view name : parts)
    if (is_there(name) && (name == "train") == (part == "train")) return to_utf8(to_path(dir) / name);
  fail(Code::not_found, dir, ": has no part \"", part, "\", only ", folders.front());
}

}  // namespace

std::unique_ptr<Dataset> Dataset::open(const std::string& dir, const std::string& part) {
  check(part == "train" || part == "test", Code::invalid_argument, "a set has the parts \"train\" and \"test\", not \"",
        part, "\"");
  std::error_code error;
  const fs::file_status status = fs::status(to_path(dir), error);
  check(status.type() != fs::file_type::not_found, Code::not_found, dir, ": no such folder; check the path");
  check(!error, Code::io, dir, ": cannot be looked at: ", reason(error));
  check(fs::is_directory(status), Code::bad_file, dir, ": is a file where the folder of a set was expected");
  if (auto cifar = open_cifar_dataset(dir, part)) return cifar;
  if (auto idx = open_idx_dataset(dir, part)) return idx;
  std::vector<std::string> classes = class_folders(dir);
  check(!classes.empty(), Code::bad_file, dir, ": is no set of pictures: neither a sub-folder per class, nor CIFAR-10 ",
        "binary (data_batch_1.bin, test_batch.bin), nor idx files (train-images-idx3-ubyte) are in it");
  if (const std::string inner = part_folder(dir, classes, part); !inner.empty()) return open(inner, part);
  return open_folder_dataset(dir, std::move(classes));
}

}  // namespace alx
