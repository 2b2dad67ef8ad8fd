// Vector code is written once, by Google Highway, and compiled for several instruction sets. Which
// one runs is the caller's choice, so that ONEDNN_MAX_CPU_ISA, say, holds for it too. Highway's own
// library is not linked.
#pragma once

// SSSE3 has nothing that our code gains by; vectors of SVE have no size, so that no struct can hold
// one.
#define HWY_DISABLED_TARGETS (HWY_SSSE3 | HWY_SVE | HWY_SVE_256 | HWY_SVE2 | HWY_SVE2_128)

namespace alx::vectors {

enum class Target { baseline, sse4, avx2, avx512 };  // baseline: NEON on Arm; on x86 plain numbers

constexpr const char* name_of(Target target) {
  switch (target) {
    case Target::baseline: return "baseline";
    case Target::sse4: return "sse4";
    case Target::avx2: return "avx2";
    case Target::avx512: return "avx512";
  }
  return "?";
}

}  // namespace alx::vectors
