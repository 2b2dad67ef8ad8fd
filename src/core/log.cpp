#include "core/log.h"

#include <mutex>
#include <shared_mutex>
#include <utility>

namespace alx {
namespace {
std::shared_mutex mutex;
LogSink current;
}  // namespace

void set_log_sink(LogSink sink) {
  std::unique_lock lock(mutex);
  current = std::move(sink);
}

void log_line(LogLevel level, const std::string& line) {
  std::shared_lock lock(mutex);
  if (current) current(level, line);
}

}  // namespace alx
