#include <windows.h>

#include "core/module_path.h"
#include "core/windows_text.h"

namespace alx {
namespace {

std::string path_of(HMODULE module) {
  std::wstring name(32768, L'\0');  // the longest there is
  name.resize(GetModuleFileNameW(module, name.data(), static_cast<DWORD>(name.size())));
  return to_utf8(std::wstring_view(name));
}

}  // namespace

std::string module_path() {
  HMODULE module = nullptr;
  const DWORD how =
      GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
  if (GetModuleHandleExW(how, reinterpret_cast<const wchar_t*>(&module_path), &module) == 0)
    return "";
  return path_of(module);
}

std::string program_path() { return path_of(nullptr); }

}  // namespace alx
