#include "plan/arena.h"

#include <algorithm>
#include <numeric>

#include "core/rounding.h"

namespace alx {

Arrangement arrange(const std::vector<Block>& blocks, size_t arenas, size_t alignment) {
  Arrangement arrangement{std::vector<size_t>(blocks.size(), 0), std::vector<size_t>(arenas, 0)};
  std::vector<size_t> order(blocks.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return blocks[a].bytes > blocks[b].bytes; });

  std::vector<size_t> placed;  // by rising offset
  for (size_t i : order) {
    const Block& block = blocks[i];
    size_t offset = 0;
    for (size_t j : placed) {
      const Block& other = blocks[j];
      const bool meets =
          other.arena == block.arena && other.first <= block.last && block.first <= other.last;
      if (!meets) continue;
      // fits into the gap before `other`
      if (offset + block.bytes <= arrangement.offsets[j]) break;
      offset = std::max(offset, round_up(arrangement.offsets[j] + other.bytes, alignment));
    }
    arrangement.offsets[i] = offset;
    size_t& size = arrangement.arena_bytes[block.arena];
    size = std::max(size, round_up(offset + block.bytes, alignment));
    const auto by_offset = [&](size_t a, size_t b) {
      return arrangement.offsets[a] < arrangement.offsets[b];
    };
    placed.insert(std::upper_bound(placed.begin(), placed.end(), i, by_offset), i);
  }
  return arrangement;
}

}  // namespace alx
