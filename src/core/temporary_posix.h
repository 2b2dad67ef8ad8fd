// What all temporary files have in common.
#pragma once
#include <sys/resource.h>

#include <cstdint>
#include <random>
#include <string>

#include "core/number.h"

namespace alx {

inline std::string temporary_name() {
  std::random_device device;
  return ".alexnet-" + hex(device(), 8) + hex(device(), 8) + ".tmp";
}

// The most bytes that a file of this process may have. Asked before writing, because crossing it
// would end the host program with SIGXFSZ.
inline uint64_t largest_file() {
  rlimit limit{};
  const bool known = getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY;
  return known ? limit.rlim_cur : UINT64_MAX;
}

}  // namespace alx
