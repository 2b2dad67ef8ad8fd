#include <numeric>
#include <utility>

#include "core/error.h"
#include "core/random.h"
#include "data/pipeline.h"
#include "data/resize.h"

namespace alx {

CropDraw draw_crop(const Augment& augment, uint64_t seed, int64_t epoch, int64_t position,
                   int64_t range_x, int64_t range_y) {
  check(range_x > 0 && range_y > 0, Code::invalid_argument, "no place for a crop: ", range_x,
        " offsets across and ", range_y, " down");
  const auto step = static_cast<uint64_t>(epoch),
             key = static_cast<uint64_t>(position / augment.shared);
  CropDraw draw{half_to_even(range_x - 1), half_to_even(range_y - 1), false};
  if (augment.random_crop) {
    const Random random(seed, hash_name("crop"), step);
    draw.x = static_cast<int64_t>(random.below(2 * key, static_cast<uint64_t>(range_x)));
    draw.y = static_cast<int64_t>(random.below(2 * key + 1, static_cast<uint64_t>(range_y)));
  }
  if (augment.flip) draw.mirror = Random(seed, hash_name("flip"), step).uniform(key) < 0.5f;
  return draw;
}

std::vector<int64_t> epoch_order(int64_t n, uint64_t seed, int64_t epoch) {
  check(n >= 0, Code::invalid_argument, "an epoch of ", n, " pictures");
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  const Random random(seed, hash_name("order"), static_cast<uint64_t>(epoch));
  for (size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.below(i - 1, i)]);
  return order;
}

}  // namespace alx
