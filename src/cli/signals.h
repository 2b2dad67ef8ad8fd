// Ctrl-C, SIGTERM and SIGHUP as a question that long work asks between its steps.
#pragma once

namespace alx::cli {

// From here on the first signal only sets a flag; a second one ends the program at once. A signal that the parent
// process has told us to ignore stays ignored.
void catch_stop_signals();
bool stop_requested();

}  // namespace alx::cli
