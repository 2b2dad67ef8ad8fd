#include "data/set_tree.h"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/log.h"
#include "core/path.h"
#include "core/text.h"

namespace alx {
namespace {

using Kind = TreeEntry::Kind;
using Names = std::set<std::string, std::less<>>;

constexpr std::array<std::string_view, 8> picture_extensions{".jpg", ".jpeg", ".png", ".webp",
                                                             ".bmp", ".gif",  ".tif", ".tiff"};

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }
// with its '/'
std::string_view folder_of(std::string_view path) { return path.substr(0, path.rfind('/') + 1); }

template <class Visit>  // visit(name) of each folder and of the file; may stop by false
bool all_names(std::string_view path, Visit&& visit) {
  while (true) {
    const size_t slash = path.find('/');
    if (!visit(path.substr(0, slash))) return false;
    if (slash == path.npos) return true;
    path.remove_prefix(slash + 1);
  }
}

bool is_visible(std::string_view path) {
  return all_names(path,
                   [](std::string_view name) { return !name.starts_with('.') || name == ".."; });
}

// Takes away "." and empty names, as archives have them.
void tidy(std::string& path) {
  const auto counts = [](std::string_view name) { return !name.empty() && name != "."; };
  if (all_names(path, counts)) return;
  std::vector<std::string> names = split(path, '/');
  std::erase_if(names, [&](const std::string& name) { return !counts(name); });
  path = joined(names, "/");
}

bool is_junk(std::string_view path) {
  static constexpr std::array<std::string_view, 14> endings{
      "thumbs.db", ".ini",  ".txt", ".md",   ".json", ".csv", ".tsv",
      ".xml",      ".yaml", ".yml", ".html", ".pdf",  ".log", ".url"};
  const std::string name = lower_case(std::string(file_name(path)));
  const auto ends = [&](std::string_view ending) { return name.ends_with(ending); };
  return name.find('.') == name.npos || std::any_of(endings.begin(), endings.end(), ends);
}

bool is_picture(const TreeEntry& entry) {
  return entry.kind == Kind::file && has_image_extension(entry.path) && is_visible(entry.path);
}

// What a set does not take of the files that lie in it, for one line that says so.
class LeftOut {
 public:
  enum Reason : size_t {
    beside,    // pictures in the root, where classes are folders
    hidden,    // pictures
    link,      // that lead to no file or folder, or back to a folder around them
    replaced,  // members of an archive that later ones of the same name replace
    other,     // files that are no pictures
    junk,      // such ones as lie in many sets
    reasons
  };

  void add(Reason reason, const std::string& name) {
    Some& some = all_[reason];
    ++some.count;
    if (some.first.size() == named && name >= some.first.back()) return;
    some.first.insert(std::upper_bound(some.first.begin(), some.first.end(), name), name);
    if (some.first.size() > named) some.first.pop_back();
  }

  bool empty() const {
    return std::all_of(all_.begin(), all_.end(), [](const Some& some) { return some.count == 0; });
  }

  // "2 hidden pictures (cat/._1.jpg, cat/._2.jpg)"
  std::string text() const {
    std::string text;
    for (size_t reason = 0; reason < reasons; ++reason) {
      const Some& some = all_[reason];
      if (some.count == 0) continue;
      text += cat(text.empty() ? "" : "; ", some.count, " ",
                  some.count == 1 ? words[reason].one : words[reason].many, " (");
      text += joined(some.first) + (some.count > named ? ", ...)" : ")");
    }
    return text;
  }

  // Nothing where nothing was left out; a warning where it may be missed.
  void log(const std::string& where) const {
    if (empty()) return;
    const bool missed = std::any_of(all_.begin(), all_.begin() + junk,
                                    [](const Some& some) { return some.count > 0; });
    log_line(missed ? LogLevel::warning : LogLevel::info, where + ": left out: " + text());
  }

 private:
  static constexpr size_t named = 3;
  struct Some {
    size_t count = 0;
    std::vector<std::string> first;  // by bytes, whatever order they came in
  };
  struct Words {
    const char *one, *many;
  };
  static constexpr std::array<Words, reasons> words{{
      {"picture beside the class folders", "pictures beside the class folders"},
      {"hidden picture", "hidden pictures"},
      {"link that leads nowhere or in a circle", "links that lead nowhere or in a circle"},
      {"member that a later one of its name replaces",
       "members that later ones of their names replace"},
      {"file that is no picture of a known kind", "files that are no pictures of a known kind"},
      {"other file", "other files"},
  }};
  std::array<Some, reasons> all_;
};

// Adds an entry that is neither a folder nor a picture that counts.
void leave_out(const TreeEntry& entry, LeftOut& left) {
  if (!is_visible(entry.path)) {
    const bool picture = entry.kind == Kind::file && has_image_extension(entry.path);
    left.add(picture ? LeftOut::hidden : LeftOut::junk, entry.path);
  } else if (entry.kind == Kind::link) {
    left.add(LeftOut::link, entry.path);
  } else {
    left.add(entry.kind == Kind::file && is_junk(entry.path) ? LeftOut::junk : LeftOut::other,
             entry.path);
  }
}

// By class, then by the path below it, then by place in an archive. A class's name ends where its
// '/' stands, which is not the lowest of all bytes.
struct Before {
  size_t root;
  bool operator()(const TreeEntry& a, const TreeEntry& b) const {
    const auto from = static_cast<std::ptrdiff_t>(root);
    const auto [x, y] =
        std::mismatch(a.path.begin() + from, a.path.end(), b.path.begin() + from, b.path.end());
    if (x == a.path.end() && y == b.path.end()) return a.offset < b.offset;
    if (x == a.path.end() || y == b.path.end()) return x == a.path.end();
    const bool same_class = std::find(a.path.begin() + from, x, '/') != x;
    if (!same_class && (*x == '/' || *y == '/')) return *x == '/';
    return static_cast<unsigned char>(*x) < static_cast<unsigned char>(*y);
  }
};

void drop_last(std::string& folders) {
  folders.pop_back();
  folders.resize(folders.rfind('/') + 1);
}

class Arrangement {
 public:
  Arrangement(std::vector<TreeEntry> entries, TreeKind kind, const std::string& where)
      : entries_(std::move(entries)), kind_(kind), where_(where) {
    if (kind_ == TreeKind::archive) {
      for (TreeEntry& entry : entries_) tidy(entry.path);
      std::erase_if(entries_, [](const TreeEntry& entry) { return entry.path.empty(); });
    }
    for (TreeEntry& entry : entries_)
      if (entry.kind == Kind::folder) entry.path += '/';
    if (kind_ == TreeKind::archive) root_ = front();
  }

  SetTree set(const std::string& part) {
    Names names = folders_in(root_);
    while (!names.empty() && std::all_of(names.begin(), names.end(), is_part_name)) {
      root_ += part_of(names, part) + "/";
      names = folders_in(root_);
    }
    SetTree tree = sorted_pictures();
    if (names.empty()) refuse();
    left_.log(where_);
    count(tree, names);
    warn_of_one_class(tree);
    return tree;
  }

 private:
  std::string place(const std::string& path) const {
    return kind_ == TreeKind::archive ? where_ + ":" + path
                                      : to_utf8(to_path(where_) / to_path(path));
  }

  // Of each entry that makes folders, those above it, with '/' behind each: of files that are no
  // pictures too, for an archive need not list its folders.
  template <class Visit>
  void all_folders(Visit&& visit) const {
    for (const TreeEntry& entry : entries_) {
      if (!is_visible(entry.path)) continue;
      const std::string_view own = folder_of(entry.path);
      if (!own.empty() || is_picture(entry)) visit(own);
    }
  }

  // The folders that all members share and that are no classes.
  std::string front() const {
    std::string shared;
    bool first = true;
    all_folders([&](std::string_view own) {
      if (std::exchange(first, false)) shared = own;
      if (own.starts_with(shared)) return;
      const size_t same = static_cast<size_t>(
          std::mismatch(shared.begin(), shared.end(), own.begin(), own.end()).first -
          shared.begin());
      shared.resize(same == 0 ? 0 : shared.rfind('/', same - 1) + 1);
    });
    if (shared.empty()) return shared;
    const bool direct = std::any_of(entries_.begin(), entries_.end(), [&](const TreeEntry& entry) {
      return folder_of(entry.path) == shared && is_picture(entry);
    });
    const Names below = folders_in(shared);
    if (below.empty() || (below.size() == 1 && direct && !is_part_name(*below.begin())))
      drop_last(shared);
    if (!shared.empty() &&
        is_part_name(std::string(file_name(std::string_view(shared).substr(0, shared.size() - 1)))))
      drop_last(shared);
    return shared;
  }

  Names folders_in(const std::string& root) const {
    Names names;
    all_folders([&](std::string_view own) {
      if (!own.starts_with(root) || own.size() == root.size()) return;
      const std::string_view name =
          own.substr(root.size(), own.find('/', root.size()) - root.size());
      if (!names.contains(name)) names.emplace(name);
    });
    return names;
  }

  std::string part_of(const Names& names, const std::string& part) const {
    for (const std::string& name : names)
      if (means_part(name, part)) return name;
    fail(Code::not_found, where_, ": has no part \"", part, "\", only ", *names.begin());
  }

  // Those below the root in a folder; the rest is counted, unless it belongs to another part.
  SetTree sorted_pictures() {
    SetTree tree;
    tree.pictures.reserve(entries_.size());
    for (TreeEntry& entry : entries_) {
      const std::string_view folder = folder_of(entry.path);
      const bool inside = folder.starts_with(root_);
      if (entry.kind == Kind::folder || (!inside && !root_.starts_with(folder))) continue;
      if (!is_picture(entry)) {
        leave_out(entry, left_);
      } else if (inside && folder.size() > root_.size()) {
        tree.pictures.push_back(std::move(entry));
      } else {
        left_.add(LeftOut::beside, entry.path);
      }
    }
    entries_ = {};
    const Before before{root_.size()};
    if (!std::is_sorted(tree.pictures.begin(), tree.pictures.end(), before))
      std::sort(tree.pictures.begin(), tree.pictures.end(), before);
    size_t kept = 0;  // of members of one name the last, which unpacking would leave
    for (size_t i = 0; i < tree.pictures.size(); ++i) {
      if (i + 1 < tree.pictures.size() && tree.pictures[i].path == tree.pictures[i + 1].path) {
        left_.add(LeftOut::replaced, tree.pictures[i].path);
      } else if (kept++ != i) {
        tree.pictures[kept - 1] = std::move(tree.pictures[i]);
      }
    }
    tree.pictures.resize(kept);
    return tree;
  }

  [[noreturn]] void refuse() const {
    const std::string left = left_.empty() ? "" : "; left out: " + left_.text();
    check(kind_ != TreeKind::archive, Code::bad_file, where_,
          ": the archive has no pictures in folders named as their classes (cat/1.jpg)", left);
    fail(Code::bad_file, root_.empty() ? where_ : place(root_),
         ": is no set of pictures: neither a sub-folder per class, ",
         "nor CIFAR-10 binary (data_batch_1.bin, test_batch.bin), nor idx files "
         "(train-images-idx3-ubyte) are in it",
         left);
  }

  // Both are sorted by bytes.
  void count(SetTree& tree, const Names& names) const {
    size_t end = 0;
    for (const std::string& name : names) {
      const std::string folder = root_ + name + "/";
      const size_t begin = end;
      while (end < tree.pictures.size() && tree.pictures[end].path.starts_with(folder)) ++end;
      check(end > begin, Code::bad_file, place(root_ + name), ": a class without pictures; put ",
            joined(picture_extensions), " files into it, or remove the folder");
      tree.classes.push_back(name);
      tree.ends.push_back(end);
    }
  }

  // A set's folder named one level too high looks like a set of one class.
  void warn_of_one_class(const SetTree& tree) const {
    if (tree.classes.size() != 1) return;
    const std::string folder = root_ + tree.classes.front() + "/";
    Names below;
    for (const TreeEntry& picture : tree.pictures) {
      const size_t slash = picture.path.find('/', folder.size());
      if (slash == picture.path.npos) return;
      below.emplace(picture.path.substr(folder.size(), slash - folder.size()));
    }
    if (below.size() < 2) return;
    log_line(LogLevel::warning,
             cat(place(folder), ": is taken as the only class, with the pictures of its ",
                 below.size(), " folders; if these are the classes, name that folder as the set"));
  }

  std::vector<TreeEntry> entries_;
  const TreeKind kind_;
  const std::string& where_;
  std::string root_;  // of the classes, with '/' behind
  LeftOut left_;
};

}  // namespace

bool has_image_extension(const std::string& name) {
  const std::string_view own = file_name(name);
  const size_t dot = own.rfind('.');
  if (dot == own.npos || dot == 0) return false;
  const std::string extension = lower_case(std::string(own.substr(dot)));
  return std::find(picture_extensions.begin(), picture_extensions.end(), extension) !=
         picture_extensions.end();
}

bool is_part_name(const std::string& name) {
  static constexpr std::array<std::string_view, 5> parts{"train", "test", "val", "validation",
                                                         "valid"};
  return std::find(parts.begin(), parts.end(), name) != parts.end();
}

bool means_part(const std::string& name, const std::string& part) {
  return (name == "train") == (part == "train");
}

size_t SetTree::class_of(size_t picture) const {
  return static_cast<size_t>(std::upper_bound(ends.begin(), ends.end(), picture) - ends.begin());
}

SetTree arrange_set(std::vector<TreeEntry> entries, TreeKind kind, const std::string& where,
                    const std::string& part) {
  return Arrangement(std::move(entries), kind, where).set(part);
}

std::vector<std::string> arrange_pictures(std::vector<TreeEntry> entries,
                                          const std::string& where) {
  LeftOut left;
  std::vector<std::string> paths;
  for (TreeEntry& entry : entries) {
    if (is_picture(entry)) {
      paths.push_back(std::move(entry.path));
    } else if (entry.kind != Kind::folder) {
      leave_out(entry, left);
    }
  }
  left.log(where);
  check(!paths.empty(), Code::not_found, where, ": there is no picture (",
        joined(picture_extensions), ") below it");
  std::sort(paths.begin(), paths.end());  // as bytes: char_traits compares them without sign
  return paths;
}

}  // namespace alx
