// Planning, step 3: where blocks of memory lie, given when each is in use.
#pragma once
#include <cstddef>
#include <vector>

namespace alx {

struct Block {
  size_t bytes = 0;
  int arena = 0;            // blocks of different arenas never share memory
  int first = 0, last = 0;  // in use from step `first` to step `last`, both included
};

struct Placement {
  std::vector<size_t> offsets;      // of each block in its arena
  std::vector<size_t> arena_bytes;  // size of each arena
};

// Largest first, each at the lowest offset that is free during its whole life. Offsets are multiples of `alignment`.
Placement place(const std::vector<Block>& blocks, int arenas, size_t alignment);

}  // namespace alx
