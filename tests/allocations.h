// What operator new was asked for since the counts were last set to 0, in programs that link
// allocations.cpp.
#pragma once
#include <atomic>
#include <cstddef>

namespace alx {

// how many, bytes of the largest, bytes of all
extern std::atomic<size_t> allocations, largest, allocated;

}  // namespace alx
