// The process this code runs in.
#pragma once
#include <cstdint>

namespace alx {

int64_t process_id();

// Whether this process is a child of fork() that has the library from its parent: threads that the
// parent had started, OpenMP's too, do not exist here.
bool is_forked();

}  // namespace alx
