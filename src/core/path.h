// File names. Every name in this library is UTF-8; Windows would read a std::string as text of its
// own code page, so a std::filesystem::path is only ever made and read by these.
#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace alx {

// invalid_argument where the system takes no such name
std::filesystem::path to_path(std::string_view utf8);
std::string to_utf8(const std::filesystem::path& path);

// The file that a name stands for, whether it is there or not: absolute, links followed. Absolute
// first: of a relative name weakly_canonical() makes something else before there is such a file.
inline std::filesystem::path full_path(std::string_view utf8, std::error_code& error) {
  const std::filesystem::path absolute = std::filesystem::absolute(to_path(utf8), error);
  return error ? absolute : std::filesystem::weakly_canonical(absolute, error);
}

// Whether both names stand for one file, there or not.
inline bool same_file(std::string_view a, std::string_view b) {
  std::error_code error;
  if (std::filesystem::equivalent(to_path(a), to_path(b), error)) return true;
  const auto one = full_path(a, error);
  return !error && one == full_path(b, error) && !error;
}

// What the system says of an error, in UTF-8.
std::string reason(const std::error_code& error);
std::string reason(int error);  // of errno

}  // namespace alx
