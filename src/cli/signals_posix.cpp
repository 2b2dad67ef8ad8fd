#include "cli/signals.h"

#include <csignal>
#include <initializer_list>

namespace alx::cli {
namespace {

volatile std::sig_atomic_t requested = 0;

extern "C" void on_stop(int) {
  requested = 1;
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

void catch_stop_signals() {
  for (const int number : {SIGINT, SIGTERM})
    if (std::signal(number, on_stop) == SIG_IGN) std::signal(number, SIG_IGN);
}

bool stop_requested() { return requested != 0; }

}  // namespace alx::cli
