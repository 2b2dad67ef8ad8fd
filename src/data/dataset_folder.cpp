#include "data/dataset_folder.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/path.h"
#include "data/walk.h"

namespace alx {
namespace fs = std::filesystem;
namespace {

class FolderDataset final : public Dataset {
 public:
  FolderDataset(const std::string& dir, SetTree tree, const Limits& limits) : dir_(dir), tree_(std::move(tree)) {
    classes_ = std::move(tree_.classes);
    limits_ = limits;
  }

  int64_t size() const override { return static_cast<int64_t>(tree_.pictures.size()); }
  int64_t label(int64_t i) const override {
    check_index(i, dir_);
    return static_cast<int64_t>(tree_.class_of(static_cast<size_t>(i)));
  }
  std::string name(int64_t i) const override {
    check_index(i, dir_);
    return to_utf8((to_path(dir_) / to_path(tree_.pictures[static_cast<size_t>(i)].path).make_preferred()));
  }
  Image image(int64_t i, int64_t at_least) const override {
    try {
      return read_image(name(i), at_least, limits_);
    } catch (const Error& error) {
      std::error_code ignored;
      if (error.code() != Code::not_found || fs::exists(to_path(dir_), ignored)) throw;
      fail(Code::invalid_state, dir_, ": the set's folder is gone; bring it back and go on from the last checkpoint");
    }
  }

 private:
  std::string dir_;
  SetTree tree_;
};

}  // namespace

std::unique_ptr<Dataset> open_folder_dataset(const std::string& dir, const std::string& part, bool parts,
                                             const Limits& limits) {
  const auto skip = [&](const std::string& name) { return parts && !means_part(name, part); };
  SetTree tree = arrange_set(walk_folder(dir, limits, skip), TreeKind::folder, dir, part);
  return std::make_unique<FolderDataset>(dir, std::move(tree), limits);
}

}  // namespace alx
