// For files that Highway compiles once for each target. ALX_ON(target, f) is f as it was compiled
// for that one, where the file was; else as for the least.
#pragma once
#include "backends/vectors/target.h"

// clang-format off
#if HWY_TARGETS & HWY_AVX3
#define ALX_ON_AVX512(target, f) (target) == alx::vectors::Target::avx512 ? &N_AVX3::f :
#else
#define ALX_ON_AVX512(target, f)
#endif
#if HWY_TARGETS & HWY_AVX2
#define ALX_ON_AVX2(target, f) (target) == alx::vectors::Target::avx2 ? &N_AVX2::f :
#else
#define ALX_ON_AVX2(target, f)
#endif
#if HWY_TARGETS & HWY_SSE4
#define ALX_ON_SSE4(target, f) (target) == alx::vectors::Target::sse4 ? &N_SSE4::f :
#else
#define ALX_ON_SSE4(target, f)
#endif
#define ALX_ON(target, f) \
  ((void)(target), \
   ALX_ON_AVX512(target, f) ALX_ON_AVX2(target, f) ALX_ON_SSE4(target, f) &HWY_STATIC_DISPATCH(f))
// clang-format on
