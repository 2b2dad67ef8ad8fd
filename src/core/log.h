// Log lines of the library. Silent until a program sets a sink.
#pragma once
#include <functional>
#include <string>

namespace alx {

enum class LogLevel : int { debug = 0, info = 1, warning = 2, error = 3 };
using LogSink = std::function<void(LogLevel, const std::string& line)>;

// Replaces the sink; an empty one silences. Returns after no thread is inside the old sink. Do not
// call from a sink.
void set_log_sink(LogSink sink);
void log_line(LogLevel level, const std::string& line);

}  // namespace alx
