// Sets in a folder or in a tar archive, by one rule.
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/file_reader.h"
#include "core/path.h"
#include "data/container.h"
#include "data/dataset_kinds.h"
#include "data/read_file.h"
#include "data/tar.h"
#include "data/walk.h"

namespace alx {
namespace fs = std::filesystem;
namespace {

class TreeDataset : public Dataset {
 public:
  TreeDataset(const std::string& where, SetTree tree, const Limits& limits)
      : where_(where), tree_(std::move(tree)) {
    classes_ = std::move(tree_.classes);
    limits_ = limits;
  }

  int64_t size() const override { return static_cast<int64_t>(tree_.pictures.size()); }
  int64_t label(int64_t i) const override {
    at(i);
    return static_cast<int64_t>(tree_.class_of(static_cast<size_t>(i)));
  }
  std::string key(int64_t i) const override { return at(i).path; }
  void inspect(int64_t i) const override { inspect_image(stored(i), name(i), limits_); }

 protected:
  const TreeEntry& at(int64_t i) const {
    check(i >= 0 && i < size(), Code::invalid_argument, where_, ": picture ", i, " of ", size());
    return tree_.pictures[static_cast<size_t>(i)];
  }
  const std::string where_;

 private:
  SetTree tree_;
};

class FolderDataset final : public TreeDataset {
 public:
  using TreeDataset::TreeDataset;

  std::string name(int64_t i) const override {
    return to_utf8(to_path(where_) / to_path(key(i)).make_preferred());
  }
  std::vector<std::byte> stored(int64_t i) const override { return read_file(name(i), limits_); }
  Image image(int64_t i, int64_t at_least) const override {
    try {
      return read_image(name(i), at_least, limits_);
    } catch (const Error& error) {
      std::error_code ignored;
      if (error.code() != Code::not_found || fs::exists(to_path(where_), ignored)) throw;
      fail(Code::invalid_state, where_,
           ": the set's folder is gone; bring it back and go on from the last checkpoint");
    }
  }
};

class TarDataset final : public TreeDataset {
 public:
  TarDataset(std::unique_ptr<const FileReader> file, const std::string& part, const Limits& limits)
      : TreeDataset(file->path(),
                    arrange_set(tar_members(*file), TreeKind::archive, file->path(), part), limits),
        file_(std::move(file)) {}

  std::string name(int64_t i) const override { return where_ + ":" + key(i); }
  std::vector<std::byte> stored(int64_t i) const override {
    const TreeEntry& member = at(i);
    check(member.size <= static_cast<uint64_t>(limits_.bytes), Code::bad_file, name(i), ": has ",
          member.size, " bytes; at most ", limits_.bytes, " are read of one picture");
    return bytes_of(member);
  }
  Image image(int64_t i, int64_t at_least) const override {
    return decode_image(stored(i), name(i), at_least, limits_);
  }

 private:
  // What cannot be read here is no broken picture to be skipped: the whole archive is at fault.
  std::vector<std::byte> bytes_of(const TreeEntry& member) const {
    std::vector<std::byte> bytes(static_cast<size_t>(member.size));
    size_t got = 0;
    try {
      got = file_->read(member.offset, bytes);
    } catch (const Error& error) {
      fail(Code::invalid_state, error.what(),
           "; bring the archive back and go on from the last checkpoint");
    }
    check(got == bytes.size(), Code::invalid_state, where_,
          ": has become shorter while it was read: of ", member.path, " at byte ", member.offset,
          " there are ", got, " of ", bytes.size(),
          " bytes; bring the archive back and go on from the last checkpoint");
    return bytes;
  }

  std::unique_ptr<const FileReader> file_;
};

}  // namespace

std::unique_ptr<Dataset> open_folder_dataset(const std::string& dir, const std::string& part,
                                             bool parts, const Limits& limits) {
  const auto skip = [&](const std::string& name) { return parts && !means_part(name, part); };
  SetTree tree = arrange_set(walk_folder(dir, limits, skip), TreeKind::folder, dir, part);
  return std::make_unique<FolderDataset>(dir, std::move(tree), limits);
}

std::unique_ptr<Dataset> open_tar_dataset(const std::string& path, const std::string& part,
                                          const Limits& limits) {
  return std::make_unique<TarDataset>(std::make_unique<const FileReader>(path), part, limits);
}

}  // namespace alx
