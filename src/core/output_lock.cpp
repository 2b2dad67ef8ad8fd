#include "core/output_lock.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>

#include "core/error.h"
#include "core/lock_file.h"
#include "core/log.h"
#include "core/path.h"

namespace alx {
namespace {

namespace fs = std::filesystem;

fs::path lock_of(const std::string& path) {
  std::error_code error;
  // Absolute first: of a relative name canonical makes something else before there is such a file.
  const fs::path target = fs::weakly_canonical(fs::absolute(to_path(path), error), error);
  if (error || !target.has_filename()) return {};  // no such folder: the writer says so
  return target.parent_path() / to_path(".alexnet-" + to_utf8(target.filename()) + ".lock");
}

std::string two_digits(unsigned number) { return cat(number < 10 ? "0" : "", number); }

// "2026-11-30 01:45:02 UTC"
std::string now() {
  using namespace std::chrono;
  const auto time = floor<seconds>(system_clock::now());
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return cat(static_cast<int>(date.year()), "-", two_digits(unsigned{date.month()}), "-",
             two_digits(unsigned{date.day()}), " ", two_digits(static_cast<unsigned>(clock.hours().count())), ":",
             two_digits(static_cast<unsigned>(clock.minutes().count())), ":",
             two_digits(static_cast<unsigned>(clock.seconds().count())), " UTC");
}

std::string owner_in(std::string text) {
  text.erase(std::min(text.size(), text.find('\n')));
  for (char& c : text)
    if (static_cast<unsigned char>(c) < ' ') c = '?';
  return text.empty() ? "which has not left its name" : text;
}

}  // namespace

struct OutputLock::Impl {
  fs::path file;
  std::unique_ptr<LockFile> held;  // null: the file system cannot lock
};

OutputLock::OutputLock(const std::string& path) : impl_(std::make_unique<Impl>()) {
  impl_->file = lock_of(path);
  if (impl_->file.empty()) return;
  impl_->held = std::make_unique<LockFile>(impl_->file, cat("host ", host_name(), ", since ", now(), "\n"));
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
