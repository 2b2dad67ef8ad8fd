#include "data/dataset_tar.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "core/error.h"
#include "core/mapped_file.h"
#include "data/dataset_folder.h"
#include "data/tar.h"

namespace alx {
namespace {

// The last two folders of a member's name, and its own.
struct Place {
  std::string part, folder, name;
};
Place place_of(const std::string& member) {
  std::array<std::string, 3> last;
  size_t end = member.size();
  for (size_t i = last.size(); i-- > 0 && end != member.npos;) {
    const size_t slash = end == 0 ? member.npos : member.rfind('/', end - 1);
    last[i] = member.substr(slash == member.npos ? 0 : slash + 1, end - (slash == member.npos ? 0 : slash + 1));
    end = slash;
  }
  return {last[0], last[1], last[2]};
}

class TarDataset final : public Dataset {
 public:
  TarDataset(const std::string& path, const std::string& part) : file_(path) {
    std::map<std::string, std::vector<TarMember>> by_class;  // sorted by bytes, as folders are
    bool has_parts = false;
    for (TarMember& member : tar_members(file_.bytes(), path)) {
      const Place place = place_of(member.name);
      if (place.folder.empty() || place.folder == "." || place.name.front() == '.' || !has_image_extension(place.name))
        continue;
      has_parts |= is_part_name(place.part);
      if (is_part_name(place.part) && !means_part(place.part, part)) continue;
      by_class[place.folder].push_back(std::move(member));
    }
    check(!by_class.empty(), has_parts ? Code::not_found : Code::bad_file, path, ": the archive has no pictures ",
          has_parts ? "of the part \"" + part + "\"" : "in folders named as their classes (cat/1.jpg)");
    for (auto& [name, members] : by_class) {
      std::sort(members.begin(), members.end(), [](const TarMember& a, const TarMember& b) { return a.name < b.name; });
      for (TarMember& member : members) members_.push_back({std::move(member), static_cast<int64_t>(classes_.size())});
      classes_.push_back(name);
    }
  }

  int64_t size() const override { return static_cast<int64_t>(members_.size()); }
  int64_t label(int64_t i) const override { return at(i).label; }
  std::string name(int64_t i) const override { return file_.path() + ":" + at(i).member.name; }
  Image image(int64_t i, int64_t at_least) const override {
    return decode_image(at(i).member.bytes, name(i), at_least);
  }

 private:
  struct Labelled {
    TarMember member;
    int64_t label;
  };
  const Labelled& at(int64_t i) const {
    check_index(i, file_.path());
    return members_[static_cast<size_t>(i)];
  }

  MappedFile file_;
  std::vector<Labelled> members_;
};

}  // namespace

std::unique_ptr<Dataset> open_tar_dataset(const std::string& path, const std::string& part) {
  return std::make_unique<TarDataset>(path, part);
}

}  // namespace alx
