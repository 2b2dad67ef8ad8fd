#include "data/dataset_tar.h"

#include <utility>

#include "core/error.h"
#include "core/file_reader.h"
#include "data/tar.h"

namespace alx {
namespace {

class TarDataset final : public Dataset {
 public:
  TarDataset(const std::string& path, const std::string& part, const Limits& limits)
      : file_(path), tree_(arrange_set(tar_members(file_), TreeKind::archive, path, part)) {
    classes_ = std::move(tree_.classes);
    limits_ = limits;
  }

  int64_t size() const override { return static_cast<int64_t>(tree_.pictures.size()); }
  int64_t label(int64_t i) const override {
    check_index(i, file_.path());
    return static_cast<int64_t>(tree_.class_of(static_cast<size_t>(i)));
  }
  std::string name(int64_t i) const override { return file_.path() + ":" + at(i).path; }
  Image image(int64_t i, int64_t at_least) const override {
    const TreeEntry& member = at(i);
    const std::string what = name(i);
    check(member.size <= static_cast<uint64_t>(limits_.bytes), Code::bad_file, what, ": has ", member.size,
          " bytes; at most ", limits_.bytes, " are read of one picture");
    return decode_image(bytes_of(member), what, at_least, limits_);
  }

 private:
  const TreeEntry& at(int64_t i) const {
    check_index(i, file_.path());
    return tree_.pictures[static_cast<size_t>(i)];
  }

  // What cannot be read here is no broken picture to be skipped: the whole archive is at fault.
  std::vector<std::byte> bytes_of(const TreeEntry& member) const {
    std::vector<std::byte> bytes(static_cast<size_t>(member.size));
    size_t got = 0;
    try {
      got = file_.read(member.offset, bytes);
    } catch (const Error& error) {
      fail(Code::invalid_state, error.what(), "; bring the archive back and go on from the last checkpoint");
    }
    check(got == bytes.size(), Code::invalid_state, file_.path(), ": has become shorter while it was read: of ",
          member.path, " at byte ", member.offset, " there are ", got, " of ", bytes.size(),
          " bytes; bring the archive back and go on from the last checkpoint");
    return bytes;
  }

  FileReader file_;
  SetTree tree_;
};

}  // namespace

std::unique_ptr<Dataset> open_tar_dataset(const std::string& path, const std::string& part, const Limits& limits) {
  return std::make_unique<TarDataset>(path, part, limits);
}

}  // namespace alx
