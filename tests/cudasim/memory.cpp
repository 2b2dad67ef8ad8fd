#include "cudasim/memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

namespace alx::cudasim {
namespace {

constexpr int fence = 0xc5, fresh = 0xff;  // 0xff...: not-a-number in every floating type

std::string describe(const char* what, const Use& use) {
  return std::string(what) + " by " + use.call;
}

}  // namespace

Allocation::Allocation(size_t bytes, int device)
    : bytes_(bytes), mapped_((bytes + page - 1) / page * page + 2 * page), device_(device) {
  const int file = memfd_create("cudasim", MFD_CLOEXEC);
  if (file < 0 || ftruncate(file, static_cast<off_t>(mapped_)) != 0) std::abort();
  const int outside = device == pinned ? PROT_READ | PROT_WRITE : PROT_NONE;
  outside_ = static_cast<char*>(mmap(nullptr, mapped_, outside, MAP_SHARED, file, 0));
  inside_ = static_cast<char*>(mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
  if (outside_ == MAP_FAILED || inside_ == MAP_FAILED) std::abort();
  close(file);
  std::memset(inside_, fence, page);
  std::memset(content() + bytes, fence, mapped_ - page - bytes);
  // Of large memory its ends: filling all of it would take most of a test's time.
  const size_t filled = std::min(bytes, size_t{1} << 15);
  std::memset(content(), fresh, bytes <= (size_t{1} << 18) ? bytes : filled);
  std::memset(content() + bytes - filled, fresh, filled);
  segments_[0] = {bytes, {}, {}};
}

Allocation::~Allocation() {
  munmap(inside_, mapped_);
  // The addresses stay taken, so that a late use finds nothing there instead of somebody else's
  // memory.
  mmap(outside_, mapped_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
       0);
}

bool Allocation::holds(const void* pointer) const {
  const auto* at = static_cast<const char*>(pointer);
  return at >= outside_ && at < outside_ + mapped_;
}

bool Allocation::fences_intact() const {
  for (const char* c = inside_; c < inside_ + mapped_; ++c) {
    if (c == content()) c += bytes_;
    if (c < inside_ + mapped_ && static_cast<unsigned char>(*c) != fence) return false;
  }
  return true;
}

void Allocation::split(size_t at) {
  auto after = segments_.upper_bound(at);
  auto here = std::prev(after);
  if (here->first == at || at >= here->second.end) return;
  Segment rest = here->second;
  here->second.end = at;
  segments_[at] = std::move(rest);
}

std::string Allocation::access(size_t first, size_t last, Access access, const Use& use,
                               const Clock& clock) {
  if (first == last) return "";
  split(first);
  split(last);
  std::string wrong;
  for (auto it = segments_.find(first); it != segments_.end() && it->first < last; ++it) {
    Segment& segment = it->second;
    if (clock.at(segment.writer.who) < segment.writer.time)
      wrong = describe("the write", segment.writer);
    if (access == Access::read) {
      const auto own = std::find_if(segment.readers.begin(), segment.readers.end(),
                                    [&](const Use& reader) { return reader.who == use.who; });
      if (own == segment.readers.end())
        segment.readers.push_back(use);
      else
        *own = use;
    } else {
      for (const Use& reader : segment.readers)
        if (clock.at(reader.who) < reader.time) wrong = describe("the read", reader);
      segment.writer = use;
      segment.readers.clear();
    }
  }
  return wrong;
}

std::string Allocation::last_unknown(const Clock& clock) const {
  for (const auto& [start, segment] : segments_) {
    if (clock.at(segment.writer.who) < segment.writer.time)
      return describe("the write", segment.writer);
    for (const Use& reader : segment.readers)
      if (clock.at(reader.who) < reader.time) return describe("the read", reader);
  }
  return "";
}

void Allocation::protect() const {
  mprotect(address(), mapped_ - 2 * page, PROT_READ | PROT_WRITE);
  for (const Access wanted : {Access::read, Access::write})  // writers last: they allow less
    for (const Loan& loan : loans_) {
      if ((loan.access == Access::read) != (wanted == Access::read)) continue;
      const size_t start = loan.first / page * page, end = (loan.last + page - 1) / page * page;
      mprotect(address() + start, end - start, wanted == Access::read ? PROT_READ : PROT_NONE);
    }
}

void Allocation::lend(size_t first, size_t last, Access access, const Use& use) {
  loans_.push_back({first, last, access, use});
  protect();
}

void Allocation::give_back(const Clock& host) {
  const size_t before = loans_.size();
  std::erase_if(loans_, [&](const Loan& loan) { return host.at(loan.use.who) >= loan.use.time; });
  if (loans_.size() != before) protect();
}

std::string Allocation::trespass() {
  const std::string whom = loans_.empty() ? "nobody" : loans_.back().use.call;
  loans_.clear();
  protect();
  return whom;
}

}  // namespace alx::cudasim
