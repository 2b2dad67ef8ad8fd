#include "cli/signals.h"

#include <csignal>

namespace alx::cli {
namespace {

constexpr int stop_signals[] = {SIGINT, SIGTERM, SIGHUP};
volatile std::sig_atomic_t requested = 0;

extern "C" void on_stop(int) {
  requested = 1;
  for (const int number : stop_signals) std::signal(number, SIG_DFL);
}

}  // namespace

void catch_stop_signals() {
  for (const int number : stop_signals)
    if (std::signal(number, on_stop) == SIG_IGN) std::signal(number, SIG_IGN);
}

bool stop_requested() { return requested != 0; }

}  // namespace alx::cli
