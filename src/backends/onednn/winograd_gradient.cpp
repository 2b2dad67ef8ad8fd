#include "backends/onednn/winograd_gradient.h"

#include <algorithm>

#include "backends/onednn/activation.h"
#include "backends/vectors/elementwise.h"
#include "backends/vectors/product.h"

namespace alx::onednn {

WinogradGradient::WinogradGradient(const Runtime& runtime, const WinogradForm& form,
                                   const Tiling& forward, int64_t images, Activation activation,
                                   bool wants_input_grad)
    : runtime_(runtime),
      form_(form),
      weights_(form.weights),
      forward_(forward),
      images_(images),
      activation_(activation) {
  if (wants_input_grad) {
    const int64_t turned = weights_.reach - 1;
    back_.emplace(runtime, tiles(), form.out, form.in, weights_.out, turned - form.top,
                  turned - form.left);
  }
  const int64_t at_once = form.blocks ? 1 : group_size(runtime, images);
  const int64_t points = back_ ? back_->run_scratch(at_once * back_->tiles_of_image()) : 0;
  const int64_t of_tiles =
      Tiling::tiles_in_cache * tiles().points() * (forward.in().channels + form.out.channels);
  runtime.of_part->announce({form.blocks ? form.blocks->floats() : 0, std::max(points, of_tiles)});
}

int64_t WinogradGradient::images_at_once() const {
  constexpr int64_t floats = 4 << 20;
  const int64_t channels = forward_.in().pixel() + out().pixel();
  const int64_t one = forward_.tiles_of_image() * tiles().points() * channels;
  return std::clamp<int64_t>(floats / one, 1, images_);
}

int64_t WinogradGradient::workspace() const {
  const int64_t tile_count = images_at_once() * forward_.tiles_of_image() * tiles().points();
  const int64_t for_weights = by_images() ? parts() * part_floats()
                                          : part_floats() +
                                                whole_lines(tile_count * forward_.in().pixel()) +
                                                whole_lines(tile_count * out().pixel());
  if (!back_) return for_weights;
  const int64_t turned = weights_.reach * weights_.reach * out().pixel() * form_.in.channels;
  const bool few = runtime_.cuts_images(images_) && !form_.blocks;
  return std::max(for_weights, whole_lines(turned) + whole_lines(back_->weights().floats()) +
                                   (few ? back_->parts_workspace(images_) : 0));
}

void WinogradGradient::bind(const Binding& binding) {
  weight_ = static_cast<const float*>(binding.params[0]);
  workspace_ = static_cast<float*>(binding.backward_workspace);
  if (binding.param_grads.empty()) return;
  weight_grad_ = static_cast<float*>(binding.param_grads[0]);
  bias_grad_ = static_cast<float*>(binding.param_grads[1]);
}

void WinogradGradient::run(const Gradients& g) const {
  if (activation_ != Activation::none)
    activation_gradient(runtime_, activation_, g.out, g.out_grad, g.out_grad,
                        images_ * out().image());
  by_images() ? weights_by_images(g) : weights_by_points(g);
  if (back_) input_grad(g);
}

// One point's sums of products, and with the point (1, 1), which is the sum of a tile's pixels, the
// bias's. Both matrices are of one group: (tiles, channels) for each point.
void WinogradGradient::multiply_point(const float* from, const float* grad, int64_t tile_count,
                                      bool add, float* sums, float* bias, int64_t point) const {
  const int64_t in = forward_.in().channels, columns = out().channels;
  grad += point * tile_count * columns;
  vectors::multiply(runtime_.target, {.rows = weights_.deep(),
                                      .columns = columns,
                                      .depth = tile_count,
                                      .a = from + point * tile_count * in,
                                      .a_row = 1,
                                      .a_depth = in,
                                      .b = grad,
                                      .b_panel = vectors::panel_width(runtime_.target),
                                      .b_row = columns,
                                      .c = sums + point * matrix(),
                                      .c_row = columns,
                                      .add = add});
  if (point != tiles().tile + 1) return;
  if (!add) std::fill_n(bias, columns, 0.f);
  vectors::add_rows(runtime_.target, grad, {tile_count, columns, columns}, bias);
}

// ---- few weights: each part of the images has sums of its own, which are added in a fixed tree --

void WinogradGradient::weights_by_images(const Gradients& g) const {
  sum_over_images(
      runtime_, images_, part_floats(), workspace_,
      [&](int64_t first, int64_t last, float* sums) { sum_images(g, first, last, sums); });
  finish_weights(workspace_);
}

void WinogradGradient::sum_images(const Gradients& g, int64_t first, int64_t last,
                                  float* sums) const {
  const int64_t tile_count = forward_.tiles_of_image();
  const int64_t in_image = form_.blocks
                               ? form_.blocks->channels * form_.blocks->height * form_.blocks->width
                               : forward_.in().image();
  Scratch::Piece piece = runtime_.of_part->take();
  float* blocks = form_.blocks ? piece.cut(form_.blocks->floats()) : nullptr;
  float* points = piece.cut(0);
  if (!blocks) {
    const TileRange all{first * tile_count, last * tile_count};
    for (int64_t tile = all.first; tile < all.last; tile += Tiling::tiles_in_cache)
      add_tiles(g.in, g.out_grad, {tile, std::min(tile + Tiling::tiles_in_cache, all.last)},
                tile == all.first, sums, points);
    return;
  }
  for (int64_t image = first; image < last; ++image) {
    const float* x = g.in + image * in_image;
    form_.blocks->gather(x, blocks, 0, form_.blocks->down), x = blocks;
    for (int64_t tile = 0; tile < tile_count; tile += Tiling::tiles_in_cache)
      add_tiles(x, g.out_grad + image * out().image(),
                {tile, std::min(tile + Tiling::tiles_in_cache, tile_count)},
                image == first && tile == 0, sums, points);
  }
}

void WinogradGradient::add_tiles(const float* x, const float* dy, TileRange range, bool first,
                                 float* sums, float* points) const {
  const int64_t in = forward_.in().channels, columns = out().channels, count = range.count();
  float *from = points, *grad = points + count * tiles().points() * in;
  for (int64_t group = 0; group < out().groups; ++group) {
    forward_.input_points(x, group, range, from, count * in);
    forward_.output_points(dy, group, range, grad, count * columns);
    for (int64_t point = 0; point < tiles().points(); ++point)
      multiply_point(from, grad, count, !first, sums + group * tiles().points() * matrix(),
                     sums + this->sums() + group * columns, point);
  }
}

// ---- many weights: points are independent of each other, so each is one part's ------------------

void WinogradGradient::weights_by_points(const Gradients& g) const {
  const int64_t in = forward_.in().channels, columns = out().channels, groups = out().groups;
  for (int64_t first = 0; first < images_; first += images_at_once()) {
    const int64_t count = std::min(images_at_once(), images_ - first) * forward_.tiles_of_image();
    float* sums = workspace_;
    float* from = sums + part_floats();
    float* grad = from + whole_lines(groups * tiles().points() * count * in);
    const float *x = g.in + first * forward_.in().image(), *dy = g.out_grad + first * out().image();
    each_range(runtime_, groups * count, 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t group = i / count, tile = i % count,
                      at = group * tiles().points() * count + tile;
        forward_.input_points(x, group, {tile, tile + 1}, from + at * in, count * in);
        forward_.output_points(dy, group, {tile, tile + 1}, grad + at * columns, count * columns);
      }
    });
    (*runtime_.loop)(groups * tiles().points(), [&](int64_t i) {
      const int64_t group = i / tiles().points(), before = group * tiles().points();
      multiply_point(from + before * count * in, grad + before * count * columns, count, first > 0,
                     sums + before * matrix(), sums + this->sums() + group * columns,
                     i % tiles().points());
    });
  }
  finish_weights(workspace_);
}

void WinogradGradient::finish_weights(const float* sums) const {
  const int64_t columns = out().channels, pixel = weights_.pixel();
  const auto reach = static_cast<int>(weights_.reach);
  const vectors::Window window{reach * pixel, pixel, 0, reach, 0, reach};
  each_range(runtime_, weights_.groups * weights_.deep(), 4, [&](int64_t first, int64_t last) {
    for (int64_t row = first; row < last; ++row) {
      const int64_t group = row / weights_.deep(), own = row % weights_.deep();
      tiles().weight_grad(sums + group * tiles().points() * matrix() + own * columns, matrix(),
                          weight_grad_ + row * columns, window, columns, nullptr, false);
    }
  });
  weights_.clear_overhang(weight_grad_);
  std::copy_n(sums + this->sums(), out().pixel(), bias_grad_);
}

// ---- the gradient of the input: a convolution with the kernel turned round ----------------------

void WinogradGradient::input_grad(const Gradients& g) const {
  float* turned = workspace_;
  const int64_t places = weights_.reach * weights_.reach * weights_.groups;
  (*runtime_.loop)(places, [&](int64_t place) {
    weights_.transpose(weight_, form_.in.channels, turned, place, place);
  });
  float* points = turned + whole_lines(places * weights_.out * form_.in.channels);
  const WeightPoints& to = back_->weights();
  each_range(runtime_, to.groups * to.deep, 4, [&](int64_t first, int64_t last) {
    weights_to_points(to, weights_.reach, true, turned, points, first, last);
  });
  const Tiling::Operands operands{g.out_grad, g.in_grad, points, nullptr, false};
  if (form_.blocks) return scattered_input_grad(g, operands);
  if (runtime_.cuts_images(images_))
    return back_->run_in_parts(operands, images_, points + whole_lines(to.floats()));
  each_group(runtime_, images_, [&](int64_t first, int64_t count) {
    Scratch::Piece piece = runtime_.of_part->take();
    const int64_t tile_count = back_->tiles_of_image();
    back_->run(operands, {first * tile_count, (first + count) * tile_count}, piece.cut(0));
  });
}

void WinogradGradient::scattered_input_grad(const Gradients& g,
                                            const Tiling::Operands& operands) const {
  const Blocks& blocks = *form_.blocks;
  (*runtime_.loop)(images_, [&](int64_t image) {
    Scratch::Piece piece = runtime_.of_part->take();
    Tiling::Operands own = operands;
    own.x = g.out_grad + image * out().image(), own.y = piece.cut(blocks.floats());
    back_->run(own, {0, back_->tiles_of_image()}, piece.cut(0));
    blocks.scatter(own.y, g.in_grad + image * blocks.channels * blocks.height * blocks.width);
  });
}

}  // namespace alx::onednn
