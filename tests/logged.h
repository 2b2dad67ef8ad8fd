// What the library logs.
#pragma once
#include <mutex>
#include <string>

#include "core/log.h"

namespace alx {

// As long as it lives it takes all lines.
class Logged {
 public:
  Logged() {
    set_log_sink([this](LogLevel level, const std::string& line) {
      static constexpr const char* names[] = {"debug", "info", "warning", "error"};
      const std::lock_guard lock(mutex_);
      text_ += std::string(names[static_cast<int>(level)]) + ": " + line + "\n";
    });
  }
  ~Logged() { set_log_sink({}); }
  Logged(const Logged&) = delete;
  Logged& operator=(const Logged&) = delete;

  std::string text() const {  // "info: ...\nwarning: ...\n"
    const std::lock_guard lock(mutex_);
    return text_;
  }

 private:
  mutable std::mutex mutex_;
  std::string text_;
};

}  // namespace alx
