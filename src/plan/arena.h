// Where blocks of memory lie, given when each is in use.
#pragma once
#include <cstddef>
#include <vector>

namespace alx {

struct Block {
  size_t bytes = 0;
  size_t arena = 0;            // blocks of different arenas never share memory
  size_t first = 0, last = 0;  // in use from step `first` to step `last`, both included
};

struct Arrangement {
  std::vector<size_t> offsets;      // of each block in its arena
  std::vector<size_t> arena_bytes;  // size of each arena
};

// Largest first, each at the lowest offset that is free during its whole life. Offsets are
// multiples of `alignment`.
Arrangement arrange(const std::vector<Block>& blocks, size_t arenas, size_t alignment);

}  // namespace alx
