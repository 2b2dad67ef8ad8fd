// Between UTF-8 and the UTF-16 of Windows.
#pragma once
#include <string>
#include <string_view>

namespace alx {

std::wstring to_wide(std::string_view utf8);  // invalid_argument where it is not UTF-8
std::string to_utf8(std::wstring_view wide);  // half a surrogate pair becomes U+FFFD

std::string last_error();  // what GetLastError() means

}  // namespace alx
