// How a tree of files becomes a set: one rule for folders, archives and single pictures below a
// folder. Classes are the first level, pictures lie below it at any depth, and hidden entries
// (".name") are left out.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace alx {

bool has_image_extension(const std::string& name);  // of a kind that decode_image reads

// Whether folders of this name are the parts of a set and not its classes, and whether such a one
// stands for `part`
// ("train" or "test").
bool is_part_name(const std::string& name);
bool means_part(const std::string& name, const std::string& part);

struct TreeEntry {
  enum class Kind : uint8_t { file, folder, link, special };  // link: one that cannot be followed
  // from the root, with '/' between its names
  std::string path;
  Kind kind = Kind::file;
  uint64_t offset = 0, size = 0;  // of an archive's member
};

struct SetTree {
  std::vector<std::string> classes;  // sorted by bytes
  std::vector<TreeEntry> pictures;   // by class, then by their path below it
  std::vector<size_t> ends;          // for each class, behind its last picture

  size_t class_of(size_t picture) const;
};

// Where all first folders are parts, `part` alone counts. In an archive the folders that all its
// members share in front do not count, as long as a class remains for each picture or there are
// several. What is left out is logged. Throws bad_file where there are no classes or one has no
// pictures, not_found where the part is missing.
enum class TreeKind { folder, archive };
SetTree arrange_set(std::vector<TreeEntry> entries, TreeKind kind, const std::string& where,
                    const std::string& part);

// The pictures alone, sorted by their paths. What is left out is logged.
std::vector<std::string> arrange_pictures(std::vector<TreeEntry> entries, const std::string& where);

}  // namespace alx
