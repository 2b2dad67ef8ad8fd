#include "core/output_lock.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>

#include "core/error.h"
#include "core/lock_file.h"
#include "core/log.h"
#include "core/path.h"
#include "core/process.h"
#include "core/text.h"

namespace alx {
namespace {

namespace fs = std::filesystem;

fs::path lock_of(const std::string& path) {
  std::error_code error;
  const fs::path target = full_path(path, error);
  if (error || !target.has_filename()) return {};  // no such folder: the writer says so
  return target.parent_path() / to_path(".alexnet-" + to_utf8(target.filename()) + ".lock");
}

// "2026-11-30 01:45:02 UTC"
std::string now() {
  using namespace std::chrono;
  const auto time = floor<seconds>(system_clock::now());
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  const auto two = [](auto number) { return zero_padded(cat(number), 2); };
  return cat(static_cast<int>(date.year()), "-", two(unsigned{date.month()}), "-",
             two(unsigned{date.day()}), " ", two(clock.hours().count()), ":",
             two(clock.minutes().count()), ":", two(clock.seconds().count()), " UTC");
}

std::string owner_in(std::string text) {
  text.erase(std::min(text.size(), text.find('\n')));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = '?';
  return text.empty() ? "which has not left its name" : text;
}

}  // namespace

OutputLock::OutputLock(const std::string& path) : file_(lock_of(path)) {
  if (file_.empty()) return;
  held_ = std::make_unique<LockFile>(
      file_, cat("process ", process_id(), ", host ", host_name(), ", since ", now(), "\n"));
  const LockFile& lock = *held_;
  check(lock.state() != LockFile::State::busy, Code::invalid_state, path,
        ": another run writes it: ", owner_in(lock.owner()),
        "; wait for its end, stop it, or give another name");
  if (lock.state() == LockFile::State::impossible)
    log_line(LogLevel::warning,
             cat("no lock on ", path, " could be taken, so nothing keeps another run from writing ",
                 "it at the same time: ", lock.owner()));
}

OutputLock::~OutputLock() = default;
OutputLock::OutputLock(OutputLock&&) noexcept = default;
OutputLock& OutputLock::operator=(OutputLock&&) noexcept = default;

bool OutputLock::covers(const std::string& path) const {
  return !file_.empty() && lock_of(path) == file_;
}

}  // namespace alx
