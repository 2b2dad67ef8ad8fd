#include "backends/onednn/blocks.h"

#include <algorithm>

namespace alx::onednn {

// visit(float of the blocks, float of the picture, whether that is inside, how many pixels): pixels
// of a row of a block that are neighbours in the picture, all inside or all outside. Blocks of one
// pixel make one row of all.
template <class Visit>
void Blocks::each_run(int64_t first, int64_t last, Visit visit) const {
  const int64_t pixel = dense ? 1 : channels, row = width * pixel;
  const bool whole_row = stride == 1 && padded == channels;
  const int64_t run = whole_row ? across : stride, runs = whole_row ? 1 : across;
  for (int64_t block_row = first; block_row < last; ++block_row)
    for (int64_t i = 0; i < stride; ++i) {
      const int64_t y = block_row * stride + i - top;
      for (int64_t block = 0; block < runs; ++block) {
        const int64_t to = (block_row * across + block) * padded + i * stride * channels,
                      x = block * stride - left;
        const int64_t begin = y < 0 || y >= height ? run : std::clamp<int64_t>(-x, 0, run);
        const int64_t end = std::clamp<int64_t>(width - x, begin, run);
        if (begin > 0) visit(to, 0, false, begin);
        if (end > begin)
          visit(to + begin * channels, y * row + (x + begin) * pixel, true, end - begin);
        if (end < run) visit(to + end * channels, 0, false, run - end);
      }
    }
}

void Blocks::gather(const float* picture, float* blocks, int64_t first, int64_t last) const {
  const int64_t plane = height * width, filled = stride * stride * channels;
  each_run(first, last, [&](int64_t to, int64_t from, bool inside, int64_t pixels) {
    if (!inside)
      std::fill_n(blocks + to, pixels * channels, 0.f);
    else if (!dense)
      std::copy_n(picture + from, pixels * channels, blocks + to);
    else
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t i = 0; i < pixels; ++i)
          blocks[to + i * channels + c] = picture[c * plane + from + i];
  });
  for (int64_t block = first * across; filled < padded && block < last * across; ++block)
    std::fill_n(blocks + block * padded + filled, padded - filled, 0.f);
}

void Blocks::scatter(const float* blocks, float* picture) const {
  const int64_t plane = height * width;
  if (down * stride - top < height || across * stride - left < width)  // some are in no window
    std::fill_n(picture, channels * plane, 0.f);
  each_run(0, down, [&](int64_t from, int64_t to, bool inside, int64_t pixels) {
    if (!inside) return;
    if (!dense)
      std::copy_n(blocks + from, pixels * channels, picture + to);
    else
      for (int64_t c = 0; c < channels; ++c)
        for (int64_t i = 0; i < pixels; ++i)
          picture[c * plane + to + i] = blocks[from + i * channels + c];
  });
}

}  // namespace alx::onednn
