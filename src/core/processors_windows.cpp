#include "core/processors.h"

#include <windows.h>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace alx {
namespace {

int all_processors() {
  return static_cast<int>(std::max<DWORD>(1, GetActiveProcessorCount(ALL_PROCESSOR_GROUPS)));
}

}  // namespace

// The masks are those of one group of 64 processors, and zero for a process in several groups: only
// one that differs from the system's is a limit that somebody has set.
ThreadCount allowed_processors() {
  const int all = all_processors();
  DWORD_PTR own = 0, systems = 0;
  if (!GetProcessAffinityMask(GetCurrentProcess(), &own, &systems) || own == 0 || own == systems)
    return {all, "all processors"};
  const int allowed = std::popcount(uint64_t{own});
  return {allowed, cat(allowed, " of ", all, " processors by this process's affinity")};
}

std::optional<CpuQuota> cpu_quota(const std::string&) {
  constexpr DWORD capped =
      JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP;
  constexpr double whole = 10000;  // the rate of all processors together
  JOBOBJECT_CPU_RATE_CONTROL_INFORMATION rate{};
  if (!QueryInformationJobObject(nullptr, JobObjectCpuRateControlInformation, &rate, sizeof rate,
                                 nullptr) ||
      (rate.ControlFlags & capped) != capped || rate.CpuRate == 0)
    return std::nullopt;
  return CpuQuota{all_processors() * (rate.CpuRate / whole), "a job"};
}

}  // namespace alx
