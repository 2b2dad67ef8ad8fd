#include <windows.h>

#include "core/error.h"
#include "core/path.h"
#include "core/windows_text.h"

namespace alx {

std::wstring to_wide(std::string_view utf8) {
  if (utf8.empty()) return {};
  const int bytes = static_cast<int>(utf8.size());
  const int length =
      MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8.data(), bytes, nullptr, 0);
  check(length > 0, Code::invalid_argument, "a name that is not UTF-8");
  std::wstring wide(static_cast<size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, 0, utf8.data(), bytes, wide.data(), length);
  return wide;
}

std::string to_utf8(std::wstring_view wide) {
  if (wide.empty()) return {};
  const int length = static_cast<int>(wide.size());
  const int bytes =
      WideCharToMultiByte(CP_UTF8, 0, wide.data(), length, nullptr, 0, nullptr, nullptr);
  std::string utf8(static_cast<size_t>(bytes), '\0');
  WideCharToMultiByte(CP_UTF8, 0, wide.data(), length, utf8.data(), bytes, nullptr, nullptr);
  return utf8;
}

std::filesystem::path to_path(std::string_view utf8) { return to_wide(utf8); }

std::string to_utf8(const std::filesystem::path& path) {
  return to_utf8(std::wstring_view(path.native()));
}

std::string reason(const std::error_code& error) {
  if (error.category() != std::system_category()) return error.message();
  wchar_t text[512];  // not message(), which answers in the code page
  const auto code = static_cast<DWORD>(error.value());
  DWORD length = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, nullptr,
                                code, 0, text, std::size(text), nullptr);
  while (length > 0 && (text[length - 1] <= L' ' || text[length - 1] == L'.')) --length;
  return length > 0 ? to_utf8(std::wstring_view(text, length)) : cat("error ", code, " of Windows");
}

std::string last_error() {
  return reason({static_cast<int>(GetLastError()), std::system_category()});
}

}  // namespace alx
