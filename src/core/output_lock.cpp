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

template <class Number>
std::string two_digits(Number number) {
  return zero_padded(cat(number), 2);
}

// "2026-11-30 01:45:02 UTC"
std::string now() {
  using namespace std::chrono;
  const auto time = floor<seconds>(system_clock::now());
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return cat(static_cast<int>(date.year()), "-", two_digits(unsigned{date.month()}), "-",
             two_digits(unsigned{date.day()}), " ", two_digits(clock.hours().count()), ":",
             two_digits(clock.minutes().count()), ":",
             two_digits(clock.seconds().count()), " UTC");
}

std::string owner_in(std::string text) {
  text.erase(std::min(text.size(), text.find('\n')));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = '?';
  return text.empty() ? "which has not left its name" : text;
}

}  // namespace

struct OutputLock::Impl {
  fs::path file;                   // empty: there is no such folder
  std::unique_ptr<LockFile> held;
};

OutputLock::OutputLock(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->file = lock_of(path);
  if (impl_->file.empty()) return;
  impl_->held = std::make_unique<LockFile>(impl_->file, cat("process ", process_id(), ", host ", host_name(), ", since ", now(), "\n"));
  const LockFile& lock = *impl_->held;
  check(lock.state() != LockFile::State::busy, Code::invalid_state, path, ": another run writes it: ",
        owner_in(lock.owner()), "; wait for its end, stop it, or give another name");
  if (lock.state() == LockFile::State::impossible)
    log_line(LogLevel::warning, cat("no lock on ", path, " could be taken, so nothing keeps another run from writing ",
                                    "it at the same time: ", lock.owner()));
}

OutputLock::~OutputLock() = default;
OutputLock::OutputLock(OutputLock&&) noexcept = default;
OutputLock& OutputLock::operator=(OutputLock&&) noexcept = default;

bool OutputLock::covers(const std::string& path) const { return !impl_->file.empty() && lock_of(path) == impl_->file; }

}  // namespace alx
