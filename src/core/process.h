// The process this code runs in.
#pragma once
#include <cstdint>

namespace alx {

int64_t process_id();

}  // namespace alx
