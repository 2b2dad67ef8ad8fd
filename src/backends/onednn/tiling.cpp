#include "backends/onednn/tiling.h"

#include <algorithm>

namespace alx::onednn {
namespace {

// size x size pixels of an image from (y, x) on, which may lie outside.
vectors::Window window(const Side& side, int64_t y, int64_t x, int size) {
  const auto within = [&](int64_t at) {
    return static_cast<int>(std::clamp<int64_t>(at, 0, size));
  };
  return {side.width * side.pixel(), side.pixel(), within(-y),
          within(side.height - y),   within(-x),   within(side.width - x)};
}

int64_t offset(const Side& side, int64_t image, int64_t y, int64_t x, int64_t group) {
  return image * side.image() + (y * side.width + x) * side.pixel() + group * side.channels;
}

}  // namespace

Tiling::Tiling(const Runtime& runtime, const vectors::Tiles& tiles, const Side& in, const Side& out,
               int64_t deep, int64_t top, int64_t left)
    : runtime_(runtime),
      tiles_(tiles),
      in_(in),
      out_(out),
      weights_{&tiles, runtime.target, in.groups, deep, out.channels},
      top_(top),
      left_(left),
      down_(divide_up<int64_t>(out.height, tiles.outputs)),
      across_(divide_up<int64_t>(out.width, tiles.outputs)) {}

// Many weights are read as seldom as can be.
int64_t Tiling::tiles_at_once() const {
  constexpr int64_t most_bytes = 16 << 20;
  if (few_weights()) return tiles_in_cache;
  const int64_t bytes = tiles_.points() * (in_.channels + out_.channels) * 4;
  return std::clamp<int64_t>(most_bytes / bytes, 1, 1024);
}

int64_t Tiling::block() const {
  return std::min(out_.channels, std::max<int64_t>(32, weights_.panel()));
}

Tiling::At Tiling::place(int64_t tile) const {
  const int64_t in_image = tile % tiles_of_image();
  return {tile / tiles_of_image(), in_image / across_ * tiles_.outputs,
          in_image % across_ * tiles_.outputs};
}

void Tiling::input_points(const float* x, int64_t group, TileRange range, float* points,
                          int64_t stride) const {
  for (int64_t tile = range.first; tile < range.last; ++tile, points += in_.channels) {
    const At at = place(tile);
    const int64_t row = at.y - top_, column = at.x - left_;
    tiles_.input(x + offset(in_, at.image, row, column, group),
                 window(in_, row, column, tiles_.tile), points, stride, in_.channels);
  }
}

void Tiling::output_points(const float* dy, int64_t group, TileRange range, float* points,
                           int64_t stride) const {
  for (int64_t tile = range.first; tile < range.last; ++tile, points += out_.channels) {
    const At at = place(tile);
    tiles_.output_grad(dy + offset(out_, at.image, at.y, at.x, group),
                       window(out_, at.y, at.x, tiles_.outputs), points, stride, out_.channels);
  }
}

void Tiling::to_outputs(const Operands& o, const float* made, int64_t group, TileRange range,
                        int64_t first_channel, int64_t channels) const {
  const int64_t channel = group * out_.channels + first_channel;
  for (int64_t i = 0; i < range.count(); ++i) {
    const At at = place(range.first + i);
    tiles_.output(made + i * channels, range.count() * channels,
                  o.y + offset(out_, at.image, at.y, at.x, group) + first_channel,
                  window(out_, at.y, at.x, tiles_.outputs), channels,
                  o.bias ? o.bias + channel : nullptr, o.relu);
  }
}

void Tiling::products(const float* points, int64_t rows, const float* weights, int64_t columns,
                      float* made) const {
  for (int64_t p = 0; p < tiles_.points(); ++p)
    vectors::multiply(runtime_.target, {.rows = rows,
                                        .columns = columns,
                                        .depth = weights_.deep,
                                        .a = points + p * rows * in_.channels,
                                        .a_row = in_.channels,
                                        .a_depth = 1,
                                        .b = weights + p * weights_.matrix(),
                                        .b_panel = weights_.deep * weights_.panel(),
                                        .b_row = weights_.panel(),
                                        .c = made + p * rows * columns,
                                        .c_row = columns});
}

int64_t Tiling::run_scratch(int64_t tiles) const {
  return std::min(tiles, tiles_at_once()) * tiles_.points() * (in_.channels + out_.channels);
}

void Tiling::run(const Operands& o, TileRange range, float* scratch) const {
  const int64_t chunks = divide_up(range.count(), tiles_at_once());
  float *const from = scratch, *const made = from + std::min(range.count(), tiles_at_once()) *
                                                        tiles_.points() * in_.channels;
  for (int64_t i = 0; i < chunks; ++i) {
    const TileRange part{range.first + range.count() * i / chunks,
                         range.first + range.count() * (i + 1) / chunks};
    for (int64_t group = 0; group < in_.groups; ++group) {
      input_points(o.x, group, part, from, part.count() * in_.channels);
      products(from, part.count(), o.weights + group * weights_.group(), out_.channels, made);
      to_outputs(o, made, group, part, 0, out_.channels);
    }
  }
}

int64_t Tiling::parts_workspace(int64_t images) const {
  if (few_weights()) {
    runtime_.of_part->announce({run_scratch(images * tiles_of_image())});
    return 0;
  }
  const int64_t points = images * tiles_of_image() * tiles_.points();
  runtime_.of_part->announce({points * block()});
  return in_.groups * points * in_.channels;
}

void Tiling::run_in_parts(const Operands& o, int64_t images, float* workspace) const {
  const int64_t rows = images * tiles_of_image();
  if (!few_weights()) return run_by_channels(o, rows, workspace);
  each_range(runtime_, rows, 8, [&](int64_t first, int64_t last) {
    Scratch::Piece piece = runtime_.of_part->take();
    run(o, {first, last}, piece.cut(0));
  });
}

// All tiles to points, and then parts of output channels, each of which reads its own weights.
void Tiling::run_by_channels(const Operands& o, int64_t rows, float* points) const {
  const int64_t group_points = tiles_.points() * rows * in_.channels;
  each_range(runtime_, in_.groups * rows, 1, [&](int64_t first, int64_t last) {
    for (int64_t i = first; i < last; ++i)
      input_points(o.x, i / rows, {i % rows, i % rows + 1},
                   points + i / rows * group_points + i % rows * in_.channels, rows * in_.channels);
  });
  const int64_t blocks = divide_up(out_.channels, block());
  (*runtime_.loop)(in_.groups * blocks, [&](int64_t part) {
    const int64_t group = part / blocks, first = part % blocks * block();
    const int64_t channels = std::min(block(), out_.channels - first);
    Scratch::Piece piece = runtime_.of_part->take();
    float* made = piece.cut(tiles_.points() * rows * channels);
    products(points + group * group_points, rows,
             o.weights + group * weights_.group() + first * weights_.deep, channels, made);
    to_outputs(o, made, group, {0, rows}, first, channels);
  });
}

}  // namespace alx::onednn
