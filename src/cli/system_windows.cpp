#include <fcntl.h>
#include <io.h>
#include <windows.h>
// The order matters: these need windows.h.
#include <psapi.h>
#include <shellapi.h>

#include <algorithm>
#include <atomic>

#include "cli/system.h"
#include "core/windows_text.h"

namespace alx {
namespace {

HANDLE handle_of(std::FILE* file) {
  return reinterpret_cast<HANDLE>(_get_osfhandle(_fileno(file)));
}

void take_escape_sequences(std::FILE* file) {
  DWORD mode = 0;
  if (GetConsoleMode(handle_of(file), &mode) != 0)
    SetConsoleMode(handle_of(file),
                   mode | ENABLE_PROCESSED_OUTPUT | ENABLE_VIRTUAL_TERMINAL_PROCESSING);
}

std::atomic<bool> requested = false;

// Runs on a thread of its own. What it does not handle ends the program.
BOOL WINAPI on_stop(DWORD event) {
  if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) return FALSE;
  return requested.exchange(true) ? FALSE : TRUE;
}

}  // namespace

Console::Console() : code_page_(GetConsoleOutputCP()) {
  if (code_page_ != 0) SetConsoleOutputCP(CP_UTF8);
  take_escape_sequences(stdout);
  take_escape_sequences(stderr);
  _setmode(_fileno(stdin), _O_BINARY);  // a picture may come there
}

Console::~Console() {
  if (code_page_ != 0) SetConsoleOutputCP(code_page_);
}

// argv has lost what the code page lacks.
std::vector<std::string> arguments_of(int, char**) {
  int count = 0;
  wchar_t** wide = CommandLineToArgvW(GetCommandLineW(), &count);
  std::vector<std::string> arguments;
  for (int i = 1; i < count; ++i) arguments.push_back(to_utf8(std::wstring_view(wide[i])));
  LocalFree(wide);
  return arguments;
}

// Patterns stand for names within a folder: FindFirstFile knows no others.
std::vector<std::string> paths_like(const std::string& pattern) {
  const std::string folder = pattern.substr(0, pattern.find_last_of("/\\:") + 1);
  WIN32_FIND_DATAW found;
  const HANDLE search = FindFirstFileW(to_wide(pattern).c_str(), &found);
  std::vector<std::string> paths;
  if (search == INVALID_HANDLE_VALUE) return paths;
  do {
    const std::string name = to_utf8(std::wstring_view(found.cFileName));
    if (name != "." && name != "..") paths.push_back(folder + name);
  } while (FindNextFileW(search, &found) != 0);
  FindClose(search);
  std::sort(paths.begin(), paths.end());
  return paths;
}

bool is_terminal(std::FILE* file) {
  DWORD mode = 0;
  return GetConsoleMode(handle_of(file), &mode) != 0;
}

int terminal_columns(std::FILE* file) {
  CONSOLE_SCREEN_BUFFER_INFO info{};
  return GetConsoleScreenBufferInfo(handle_of(file), &info) != 0
             ? info.srWindow.Right - info.srWindow.Left + 1
             : 0;
}

bool takes_utf8() { return GetConsoleOutputCP() == CP_UTF8; }

// For both of Windows' shells; no file name has a quotation mark.
std::string quoted(const std::string& text) {
  const bool plain = text.find_first_of(" \t&()[]{}^=;!'+,`~%$@#|<>") == std::string::npos;
  return plain && !text.empty() ? text : '"' + text + '"';
}

double peak_rss_mb() {
  PROCESS_MEMORY_COUNTERS counters{};
  GetProcessMemoryInfo(GetCurrentProcess(), &counters, sizeof counters);
  return static_cast<double>(counters.PeakWorkingSetSize) / 1e6;
}

// A parent that has told us to ignore Ctrl-C has told the system, which then does not call this.
void catch_stop_signals() { SetConsoleCtrlHandler(on_stop, TRUE); }

bool stop_requested() { return requested; }

}  // namespace alx
