// Planning, step 3: when each tensor is in use, which of them share memory, and where they lie.
#pragma once
#include <vector>

#include "plan/compile.h"

namespace alx {

struct Placement {
  // of each tensor: the tensor whose memory it has, itself where it owns some
  std::vector<size_t> block;
  std::vector<size_t> offsets;      // of each tensor that owns memory, in its device's arena
  std::vector<size_t> arena_bytes;  // of each device
};

Placement place(const Compiled& compiled, const Devices& devices, bool keep_gradients);

}  // namespace alx
