// A file name is any bytes; what is not UTF-8 passes through as it is.
#include "core/path.h"

namespace alx {

std::filesystem::path to_path(std::string_view utf8) { return utf8; }

std::string to_utf8(const std::filesystem::path& path) { return path.string(); }

std::string reason(const std::error_code& error) { return error.message(); }

std::string reason(int error) { return std::system_category().message(error); }

}  // namespace alx
