#include "data/dataset.h"

#include <algorithm>
#include <filesystem>
#include <span>
#include <system_error>

#include "core/error.h"
#include "core/path.h"
#include "data/dataset_kinds.h"
#include "data/walk.h"

namespace alx {
namespace fs = std::filesystem;

std::vector<std::byte> Dataset::stored(int64_t i) const {
  const Image image = this->image(i);
  const auto bytes = std::as_bytes(std::span(image.pixels));
  return {bytes.begin(), bytes.end()};
}

std::unique_ptr<Dataset> Dataset::open(const std::string& dir, const std::string& part,
                                       const Limits& limits) {
  check(part == "train" || part == "test", Code::invalid_argument,
        "a set has the parts \"train\" and \"test\", not \"", part, "\"");
  std::error_code error;
  const fs::file_status status = fs::status(to_path(dir), error);
  check(status.type() != fs::file_type::not_found, Code::not_found, dir,
        ": no such folder; check the path");
  check(!error, Code::io, dir, ": cannot be looked at: ", reason(error));
  if (fs::is_regular_file(status)) return open_tar_dataset(dir, part, limits);
  check(fs::is_directory(status), Code::bad_file, dir, ": is neither a folder nor an archive");
  if (auto binary = open_binary_dataset(dir, part, limits)) return binary;
  const std::vector<std::string> folders = folders_in(dir);
  // Training on "train" and "test" as labels is a common slip.
  const bool parts = std::all_of(folders.begin(), folders.end(), is_part_name);
  for (const std::string& name : folders)
    if (parts && means_part(name, part))
      if (auto binary = open_binary_dataset(to_utf8(to_path(dir) / name), part, limits))
        return binary;
  return open_folder_dataset(dir, part, parts, limits);
}

}  // namespace alx
