#include "data/walk.h"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "core/error.h"
#include "core/path.h"

namespace alx {
namespace fs = std::filesystem;
namespace {

using Kind = TreeEntry::Kind;

struct Child {
  std::string name;
  Kind kind;
  bool linked;
  bool operator<(const Child& other) const { return name < other.name; }  // by bytes
};

// By the type that the listing gave, without asking the system again but for links.
Child child_of(const fs::directory_entry& entry) {
  std::error_code ignored;  // a dangling link is neither
  Child child{to_utf8(entry.path().filename()), Kind::special, entry.is_symlink(ignored)};
  if (entry.is_directory(ignored)) {
    child.kind = Kind::folder;
  } else if (entry.is_regular_file(ignored)) {
    child.kind = Kind::file;
  } else if (child.linked && !entry.exists(ignored)) {
    child.kind = Kind::link;
  }
  return child;
}

// The folder is closed again before any below it is opened: files that may be open are few, levels
// may be many.
std::vector<Child> children_of(const std::string& dir) {
  std::vector<Child> children;
  std::error_code error;
  fs::directory_iterator entry(to_path(dir), error);
  check(!error, error == std::errc::no_such_file_or_directory ? Code::not_found : Code::io, dir,
        ": the folder cannot be read: ", reason(error));
  for (; !error && entry != fs::directory_iterator(); entry.increment(error))
    children.push_back(child_of(*entry));
  check(!error, Code::io, dir, ": the folder cannot be read to its end: ", reason(error));
  std::sort(children.begin(), children.end());
  return children;
}

// Where a folder really lies, and the folder with the link that led there.
struct Place {
  fs::path real;
  const Place* linked_from;
};

bool is_around(const fs::path& folder, const fs::path& inner) {
  return std::mismatch(folder.begin(), folder.end(), inner.begin(), inner.end()).first ==
         folder.end();
}

class Walk {
 public:
  Walk(const std::string& dir, const Limits& limits, const SkipFolder& skip)
      : dir_(dir), most_linked_(16 * limits.items), skip_(skip) {}

  std::vector<TreeEntry> all() {
    std::error_code ignored;
    enter("", {fs::canonical(to_path(dir_), ignored), nullptr}, false);
    return std::move(entries_);
  }

 private:
  void enter(const std::string& below, const Place& place, bool hidden) {
    for (const Child& child : listed(below, hidden)) {
      const std::string path = below + child.name;
      const bool now_hidden = hidden || child.name.starts_with('.');
      if (place.linked_from != nullptr)
        check(++linked_ <= most_linked_, Code::bad_file, dir_, ": links lead to more than ",
              most_linked_, " files and folders below it; do they lead to each other?");
      if (child.kind != Kind::folder || (child.linked && now_hidden)) {
        entries_.push_back({path, child.kind});
        continue;
      }
      Place inner{place.real / to_path(child.name), place.linked_from};
      if (child.linked && !follow(path, place, inner)) {
        entries_.push_back({path, Kind::link});
        continue;
      }
      entries_.push_back({path, Kind::folder});
      if (!below.empty() || !skip_ || now_hidden || !skip_(child.name))
        enter(path + "/", inner, now_hidden);
    }
  }

  std::vector<Child> listed(const std::string& below, bool hidden) const {
    try {
      return children_of(full(below));
    } catch (const Error&) {
      if (!hidden) throw;
      return {};  // is left out as a whole
    }
  }

  // Into the folder that the link `path` in `place` leads to. False: it is around a folder that led
  // here.
  bool follow(const std::string& path, const Place& place, Place& inner) const {
    std::error_code error;
    inner = {fs::canonical(to_path(full(path)), error), &place};
    if (error) return false;
    for (const Place* from = &place; from != nullptr; from = from->linked_from)
      if (is_around(inner.real, from->real)) return false;
    return true;
  }

  std::string full(const std::string& below) const {
    return below.empty() ? dir_ : to_utf8((to_path(dir_) / to_path(below)).make_preferred());
  }

  const std::string& dir_;
  const int64_t most_linked_;
  const SkipFolder& skip_;
  std::vector<TreeEntry> entries_;
  int64_t linked_ = 0;
};

}  // namespace

std::vector<std::string> folders_in(const std::string& dir) {
  std::vector<std::string> names;
  for (Child& child : children_of(dir))
    if (child.kind == Kind::folder && !child.name.starts_with('.'))
      names.push_back(std::move(child.name));
  return names;
}

std::vector<TreeEntry> walk_folder(const std::string& dir, const Limits& limits,
                                   const SkipFolder& skip) {
  return Walk(dir, limits, skip).all();
}

std::vector<std::string> pictures_below(const std::string& dir, const Limits& limits) {
  return arrange_pictures(walk_folder(dir, limits), dir);
}

}  // namespace alx
