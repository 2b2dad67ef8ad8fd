#include <algorithm>

#include "backends/onednn/winograd.h"

namespace alx::onednn {

template <class Visit>
void Blocks::each_pixel(int64_t first, int64_t last, Visit visit) const {
  const int64_t pixel = dense ? 1 : channels, row = width * pixel;
  for (int64_t block_row = first; block_row < last; ++block_row)
    for (int64_t i = 0; i < stride; ++i) {
      const int64_t y = block_row * stride + i - top;
      for (int64_t block = 0; block < across; ++block)
        for (int64_t j = 0; j < stride; ++j) {
          const int64_t x = block * stride + j - left;
          const bool inside = y >= 0 && y < height && x >= 0 && x < width;
          visit((block_row * across + block) * padded + (i * stride + j) * channels,
                inside ? std::optional(y * row + x * pixel) : std::nullopt);
        }
    }
}

void Blocks::gather(const float* picture, float* blocks, int64_t first, int64_t last) const {
  const int64_t apart = dense ? height * width : 1, filled = stride * stride * channels;
  each_pixel(first, last, [&](int64_t to, std::optional<int64_t> from) {
    for (int64_t c = 0; c < channels; ++c) blocks[to + c] = from ? picture[*from + c * apart] : 0.f;
  });
  for (int64_t block = first * across; filled < padded && block < last * across; ++block)
    std::fill_n(blocks + block * padded + filled, padded - filled, 0.f);
}

void Blocks::scatter(const float* blocks, float* picture) const {
  const int64_t apart = dense ? height * width : 1;
  if (down * stride - top < height || across * stride - left < width)  // some are in no window
    std::fill_n(picture, channels * height * width, 0.f);
  each_pixel(0, down, [&](int64_t from, std::optional<int64_t> to) {
    for (int64_t c = 0; to && c < channels; ++c) picture[*to + c * apart] = blocks[from + c];
  });
}

}  // namespace alx::onednn
