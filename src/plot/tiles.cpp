#include <algorithm>
#include <cmath>
#include <span>

#include "core/error.h"
#include "plot/canvas.h"
#include "plot/plot.h"

namespace alx {
namespace {

constexpr double kMargin = 36, kGap = 4, kTitle = 26, kBlockGap = 26, kFoot = 30;
constexpr double kWidth = 888;       // about, of the tiles
constexpr double kLeastWidth = 440;  // holds titles and the line at the foot
constexpr double kLargestTile = 64;  // that small tiles are enlarged to

struct Scale {
  bool has_negative = false;
  float common = 0;  // 0: each tile has its own
};

struct Layout {
  size_t columns = 0;
  double zoom = 1, tile_width = 0, tile_height = 0, width = 0, height = 0;
};

size_t tile_size(const Tiles& block) {
  return static_cast<size_t>(block.channels * block.height * block.width);
}
size_t tile_count(const Tiles& block) { return block.values.size() / tile_size(block); }

void check_block(const std::string& path, const Tiles& block) {
  const bool sizes = (block.channels == 1 || block.channels == 3) && block.height > 0 &&
                     block.width > 0 && block.height <= 32767 && block.width <= 32767;
  check(sizes && !block.values.empty() && block.values.size() % tile_size(block) == 0,
        Code::invalid_argument, "cannot draw '", path, "': ", block.values.size(),
        " values are no tiles of ", block.channels, " x ", block.height, " x ", block.width);
  const bool finite = std::all_of(block.values.begin(), block.values.end(),
                                  [](float v) { return std::isfinite(v); });
  check(finite, Code::invalid_argument, "cannot draw '", path, "': ", block.title,
        " holds values that are not numbers");
}

float largest(std::span<const float> values) {
  float most = 0;
  for (const float value : values) most = std::max(most, std::abs(value));
  return most;
}

Scale scale_of(const std::vector<Tiles>& blocks, Contrast contrast) {
  Scale scale;
  std::vector<float> magnitudes;
  for (const Tiles& block : blocks)
    for (const float value : block.values) {
      scale.has_negative = scale.has_negative || value < 0;
      if (contrast == Contrast::common) magnitudes.push_back(std::abs(value));
    }
  if (magnitudes.empty()) return scale;
  const auto rank = magnitudes.begin() +
                    static_cast<std::ptrdiff_t>((magnitudes.size() - 1) - magnitudes.size() / 200);
  std::nth_element(magnitudes.begin(), rank, magnitudes.end());
  scale.common = *rank > 0 ? *rank : largest(magnitudes);
  return scale;
}

uint8_t shade(float value, float brightest, bool has_negative) {
  const float unit = brightest > 0 ? std::clamp(value / brightest, -1.f, 1.f) : 0;
  return static_cast<uint8_t>(std::lround(has_negative ? 127.5f + 127.5f * unit : 255 * unit));
}

Image to_image(const Tiles& block, size_t tile, const Scale& scale) {
  const auto values = std::span(block.values).subspan(tile * tile_size(block), tile_size(block));
  const float brightest = scale.common > 0 ? scale.common : largest(values);
  const auto plane = static_cast<size_t>(block.height * block.width);
  Image image = black_image(block.width, block.height);
  for (size_t i = 0; i < plane; ++i)
    for (size_t channel = 0; channel < 3; ++channel)
      image.pixels[i * 3 + channel] = shade(values[block.channels == 3 ? channel * plane + i : i],
                                            brightest, scale.has_negative);
  return image;
}

// Full rows where that leaves the figure near its form: twice as wide as high in colour, as the
// paper's, else square.
size_t columns_for(size_t count, double aspect) {
  const double ideal = std::sqrt(static_cast<double>(count) * aspect);
  auto columns = static_cast<size_t>(std::ceil(ideal - 1e-9));
  for (size_t c = columns; c <= count && static_cast<double>(c) < 1.7 * ideal; ++c)
    if (count % c == 0) return c;
  return std::clamp<size_t>(columns, 1, count);
}

size_t rows_of(const Tiles& block, size_t columns) {
  return (tile_count(block) + columns - 1) / columns;
}

Layout lay_out(const std::vector<Tiles>& blocks) {
  Layout layout;
  size_t count = 0;
  for (const Tiles& block : blocks) count += tile_count(block);
  layout.columns = columns_for(count, blocks.front().channels == 3 ? 2 : 1);
  int64_t width = 1, height = 1;
  for (const Tiles& block : blocks)
    width = std::max(width, block.width), height = std::max(height, block.height);
  // In half units, which are a PNG's pixels: every value then fills the same number of them.
  const auto columns = static_cast<double>(layout.columns);
  const double room =
      std::min(kWidth / columns - kGap, std::max(kLargestTile, static_cast<double>(width)));
  layout.zoom =
      std::max(1.0, std::floor(2 * room / static_cast<double>(std::max(width, height)))) / 2;
  layout.tile_width = layout.zoom * static_cast<double>(width);
  layout.tile_height = layout.zoom * static_cast<double>(height);
  layout.width = 2 * kMargin + std::max(kLeastWidth, columns * (layout.tile_width + kGap) - kGap);
  layout.height = 2 * kMargin + kFoot - kBlockGap;
  for (const Tiles& block : blocks)
    layout.height +=
        kTitle + static_cast<double>(rows_of(block, layout.columns)) * (layout.tile_height + kGap) -
        kGap + kBlockGap;
  return layout;
}

std::string foot_of(const Scale& scale) {
  const std::string zero = scale.has_negative ? "Zero is mid grey; " : "Zero is black; ";
  return zero + (scale.common > 0 ? "all tiles have the same scale."
                                  : "each tile is scaled to its own largest value.");
}

double draw_block(Canvas& canvas, const Tiles& block, const Scale& scale, const Layout& layout,
                  double y) {
  const TextStyle title{.bold = true, .max_width = layout.width - 2 * kMargin};
  canvas.text(kMargin, y + 11, block.title, title);
  const double taken = std::min(canvas.text_width(block.title, title), title.max_width) + 10;
  if (title.max_width - taken > 40)
    canvas.text(kMargin + taken, y + 11, block.note,
                {.size = 12, .colour = look::muted, .max_width = title.max_width - taken});
  y += kTitle;
  for (size_t tile = 0; tile < tile_count(block); ++tile)
    canvas.picture(
        to_image(block, tile, scale),
        kMargin + static_cast<double>(tile % layout.columns) * (layout.tile_width + kGap),
        y + static_cast<double>(tile / layout.columns) * (layout.tile_height + kGap),
        layout.zoom * static_cast<double>(block.width),
        layout.zoom * static_cast<double>(block.height), true);
  return y + static_cast<double>(rows_of(block, layout.columns)) * (layout.tile_height + kGap) -
         kGap;
}

}  // namespace

void plot_tiles(const std::string& path, const std::vector<Tiles>& blocks, Contrast contrast) {
  check(!blocks.empty(), Code::invalid_argument, "cannot draw '", path,
        "': there are no tiles to show");
  for (const Tiles& block : blocks) check_block(path, block);
  const Scale scale = scale_of(blocks, contrast);
  const Layout layout = lay_out(blocks);
  Canvas canvas(path, layout.width, layout.height);
  double y = kMargin;
  for (const Tiles& block : blocks) y = draw_block(canvas, block, scale, layout, y) + kBlockGap;
  canvas.text(kMargin, y - kBlockGap + kFoot - 4, foot_of(scale),
              {.size = 12, .colour = look::muted, .max_width = layout.width - 2 * kMargin});
  canvas.save();
}

}  // namespace alx
