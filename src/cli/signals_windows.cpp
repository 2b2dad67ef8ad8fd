#include <windows.h>

#include <atomic>

#include "cli/signals.h"

namespace alx::cli {
namespace {

std::atomic<bool> requested = false;

// Runs on a thread of its own. What it does not handle ends the program.
BOOL WINAPI on_stop(DWORD event) {
  if (event != CTRL_C_EVENT && event != CTRL_BREAK_EVENT) return FALSE;
  return requested.exchange(true) ? FALSE : TRUE;
}

}  // namespace

// A parent that has told us to ignore Ctrl-C has told the system, which then does not call this.
void catch_stop_signals() { SetConsoleCtrlHandler(on_stop, TRUE); }

bool stop_requested() { return requested; }

}  // namespace alx::cli
