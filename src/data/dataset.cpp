#include "data/dataset.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/path.h"
#include "data/dataset_binary.h"
#include "data/dataset_folder.h"
#include "data/dataset_tar.h"

namespace alx {
namespace fs = std::filesystem;
namespace {

// The folder of `part` where `folders`, all there are, are the parts of a set and not its classes: training on "train"
// and "test" as labels is a common slip. Empty where they are classes.
std::string part_folder(const std::string& dir, const std::vector<std::string>& folders, const std::string& part) {
  if (!std::all_of(folders.begin(), folders.end(), is_part_name)) return {};
  for (const std::string& name : folders)
    if (means_part(name, part)) return to_utf8(to_path(dir) / name);
  fail(Code::not_found, dir, ": has no part \"", part, "\", only ", folders.front());
}

}  // namespace

void Dataset::check_index(int64_t i, const std::string& where) const {
  check(i >= 0 && i < size(), Code::invalid_argument, where, ": picture ", i, " of ", size());
}

std::unique_ptr<Dataset> Dataset::open(const std::string& dir, const std::string& part) {
  check(part == "train" || part == "test", Code::invalid_argument, "a set has the parts \"train\" and \"test\", not \"",
        part, "\"");
  std::error_code error;
  const fs::file_status status = fs::status(to_path(dir), error);
  check(status.type() != fs::file_type::not_found, Code::not_found, dir, ": no such folder; check the path");
  check(!error, Code::io, dir, ": cannot be looked at: ", reason(error));
  if (fs::is_regular_file(status)) return open_tar_dataset(dir, part);
  check(fs::is_directory(status), Code::bad_file, dir, ": is neither a folder nor an archive");
  if (auto cifar = open_cifar_dataset(dir, part)) return cifar;
  if (auto idx = open_idx_dataset(dir, part)) return idx;
  std::vector<std::string> classes = class_folders(dir);
  check(!classes.empty(), Code::bad_file, dir, ": is no set of pictures: neither a sub-folder per class, nor CIFAR-10 ",
        "binary (data_batch_1.bin, test_batch.bin), nor idx files (train-images-idx3-ubyte) are in it");
  if (const std::string inner = part_folder(dir, classes, part); !inner.empty()) return open(inner, part);
  return open_folder_dataset(dir, std::move(classes));
}

}  // namespace alx
