// What a set does not take of the files that lie in it, for one line that says so. Internal to src/data.
#pragma once
#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace alx {

class LeftOut {
 public:
  enum Kind : size_t {
    beside,    // pictures in the root, where classes are folders
    hidden,    // pictures
    link,      // that lead to no file or folder, or back to a folder around them
    replaced,  // members of an archive that later ones of the same name replace
    other,     // files that are no pictures
    junk,      // such ones as lie in many sets
    kinds
  };

  void add(Kind kind, const std::string& name);
  bool empty() const;
  std::string text() const;                  // "2 hidden pictures (cat/._1.jpg, cat/._2.jpg)"
  void log(const std::string& where) const;  // nothing where nothing was left out; a warning where it may be missed

 private:
  struct Some {
    size_t count = 0;
    std::vector<std::string> first;  // by bytes, whatever order they came in
  };
  std::array<Some, kinds> all_;
};

}  // namespace alx
