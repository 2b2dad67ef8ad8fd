#include "data/dataset_folder.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/path.h"

namespace alx {
namespace fs = std::filesystem;
namespace {

// Names in `dir`, sorted by bytes, of folders or of everything else.
std::vector<std::string> sorted_names(const std::string& dir, bool folders) {
  std::vector<std::string> names;
  std::error_code error;
  fs::directory_iterator entry(to_path(dir), error);
  check(!error, error == std::errc::no_such_file_or_directory ? Code::not_found : Code::io, dir,
        ": the folder cannot be read: ", reason(error));
  for (; entry != fs::directory_iterator(); entry.increment(error)) {
    std::string name = to_utf8(entry->path().filename());
    std::error_code ignored;  // a dangling link is no folder
    if (name.front() != '.' && entry->is_directory(ignored) == folders) names.push_back(std::move(name));
  }
  check(!error, Code::io, dir, ": the folder cannot be read to its end: ", reason(error));
  std::sort(names.begin(), names.end(), [](const std::string& a, const std::string& b) {
    return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
      return static_cast<unsigned char>(x) < static_cast<unsigned char>(y);
    });
  });
  return names;
}

class FolderDataset final : public Dataset {
 public:
  FolderDataset(const std::string& dir, std::vector<std::string> classes) : dir_(dir) {
    classes_ = std::move(classes);
    for (size_t label = 0; label < classes_.size(); ++label) {
      const std::string folder = folder_of(label);
      const size_t before = files_.size();
      for (std::string& name : sorted_names(folder, false)) {
        if (has_image_extension(name)) files_.push_back({std::move(name), label});
      }
      check(files_.size() > before, Code::bad_file, folder,
            ": a class without pictures; put .jpg, .jpeg, .png, .webp or ",
            ".bmp files directly into it, or remove the folder");
    }
  }

  int64_t size() const override { return static_cast<int64_t>(files_.size()); }
  int64_t label(int64_t i) const override { return static_cast<int64_t>(at(i).label); }
  std::string name(int64_t i) const override { return to_utf8(to_path(folder_of(at(i).label)) / to_path(at(i).name)); }
  Image image(int64_t i, int64_t at_least) const override {
    try {
      return read_image(name(i), at_least);
    } catch (const Error& error) {
      std::error_code ignored;
      if (error.code() != Code::not_found || fs::exists(to_path(dir_), ignored)) throw;
      fail(Code::invalid_state, dir_, ": the set's folder is gone; bring it back and go on from the last checkpoint");
    }
  }

 private:
  struct File {
    std::string name;
    size_t label;
  };

  const File& at(int64_t i) const {
    check_index(i, dir_);
    return files_[static_cast<size_t>(i)];
  }
  std::string folder_of(size_t label) const { return to_utf8(to_path(dir_) / to_path(classes_[label])); }

  std::string dir_;
  std::vector<File> files_;
};

}  // namespace

bool has_image_extension(const std::string& name) {
  static constexpr std::array<std::string_view, 5> extensions{".jpg", ".jpeg", ".png", ".webp", ".bmp"};
  std::string extension = to_utf8(to_path(name).extension());
  for (char& c : extension) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return std::find(extensions.begin(), extensions.end(), extension) != extensions.end();
}

bool is_part_name(const std::string& name) {
  static constexpr std::array<std::string_view, 5> parts{"train", "test", "val", "validation", "valid"};
  return std::find(parts.begin(), parts.end(), name) != parts.end();
}

bool means_part(const std::string& name, const std::string& part) { return (name == "train") == (part == "train"); }

std::vector<std::string> class_folders(const std::string& dir) { return sorted_names(dir, true); }

std::unique_ptr<Dataset> open_folder_dataset(const std::string& dir, std::vector<std::string> classes) {
  return std::make_unique<FolderDataset>(dir, std::move(classes));
}

}  // namespace alx
