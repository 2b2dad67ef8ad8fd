// Instruction sets of this machine that vector code is compiled for.
#pragma once
#include <vector>

#include "backends/vectors/target.h"

namespace alx::vectors {

inline std::vector<Target> targets() {
  std::vector<Target> all{Target::baseline};
#ifdef __x86_64__
  if (__builtin_cpu_supports("sse4.2")) all.push_back(Target::sse4);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back(Target::avx2);
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
    all.push_back(Target::avx512);
#endif
  return all;
}

}  // namespace alx::vectors
