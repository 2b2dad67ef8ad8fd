// How many threads this process has processors for.
#pragma once
#include <cmath>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "core/error.h"
#include "core/number.h"

namespace alx {

struct ThreadCount {
  int count;
  std::string reason;  // for people: "2 of 16 processors by this process's affinity"
};

// How much time of processors the system grants this process: seconds in each second.
struct CpuQuota {
  double processors;
  std::string kind;  // of the limit: "cgroup v2"
};

// The processors that the calling thread, and so each thread that it starts, may run on.
ThreadCount allowed_processors();

// The tightest limit; none where the system knows none or does not tell. On Linux, `root` is a
// folder that stands for / in tests.
std::optional<CpuQuota> cpu_quota(const std::string& root = "");

// A quota below the count lowers it. Rounded up: what is left over would be nobody's otherwise.
inline ThreadCount within_quota(ThreadCount allowed, const CpuQuota& quota) {
  const double whole = std::fmax(1, std::ceil(quota.processors));
  if (whole >= allowed.count) return allowed;
  return {static_cast<int>(whole), cat("a CPU quota of ", quota.processors, " (", quota.kind, ")",
                                       whole > quota.processors ? " rounded up" : "")};
}

// What OMP_NUM_THREADS asks for: of a list, which has a number for each level of parallel regions
// inside each other, the first.
inline std::optional<int> wished_threads() {
  constexpr std::string_view blanks = " \t";
  const char* value = std::getenv("OMP_NUM_THREADS");
  std::string_view first(value ? value : "");
  first = first.substr(0, first.find(','));
  first = first.substr(0, first.find_last_not_of(blanks) + 1);
  if (!first.empty()) first.remove_prefix(first.find_first_not_of(blanks));
  const std::optional<int> count = parse_number<int>(first);
  return count && *count >= 1 && *count <= 4096 ? count : std::nullopt;
}

// How many threads to use where nobody says how many.
inline ThreadCount usable_threads(const std::string& root = "") {
  if (const std::optional<int> wished = wished_threads()) return {*wished, "OMP_NUM_THREADS"};
  ThreadCount allowed = allowed_processors();
  const std::optional<CpuQuota> quota = cpu_quota(root);
  return quota ? within_quota(std::move(allowed), *quota) : allowed;
}

}  // namespace alx
