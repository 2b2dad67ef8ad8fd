#include "backends/onednn/winograd.h"

#include <algorithm>

#include "backends/onednn/kernels.h"
#include "backends/onednn/parallel_for.h"
#include "backends/onednn/winograd_tiles.h"
#include "core/error.h"

namespace alx::onednn {
namespace {

using winograd::FromPoints;
using winograd::Tiles;
using winograd::ToPoints;
using winograd::Window;

int64_t divide_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Where the pixels of a tensor lie, in floats. Channels come in blocks of `lanes`.
struct Pixels {
  int64_t channels, height, width, image, row, pixel, lanes, block;

  Pixels(const Shape& shape, Tag tag) : channels(shape[1]), height(shape[2]), width(shape[3]) {
    lanes = tag == Tag::nChw16c ? 16 : tag == Tag::nChw8c ? 8 : channels;
    pixel = lanes, row = width * lanes, block = height * row, image = channels * height * width;
  }
  int64_t offset(int64_t n, int64_t y, int64_t x, int64_t c) const {
    return n * image + y * row + x * pixel + c / lanes * block + c % lanes;
  }
  // size x size pixels from (y, x) on, which may lie outside.
  Window window(int64_t y, int64_t x, int size) const {
    const auto within = [&](int64_t at) {
      return static_cast<int>(std::clamp<int64_t>(at, 0, size));
    };
    return {
        row, pixel, lanes, block, within(-y), within(height - y), within(-x), within(width - x)};
  }
};

// A matrix of this size for each group and each point of a tile.
struct Matrices {
  int64_t groups, points, rows, columns;

  int64_t stride() const { return rows * columns; }  // from point to point
  int64_t offset(int64_t group, int64_t row) const {
    return (group * points * rows + row) * columns;
  }
  Md md() const { return with_tag({groups * points, rows, columns}, DataType::f32, Tag::abc); }
  Md transposed() const {
    return with_tag({groups * points, columns, rows}, DataType::f32, Tag::acb);
  }
};

// Outputs in tiles, and the windows of the input that they need. A few images are taken at a time,
// so that their points stay in the cache.
struct Grid {
  Pixels in, out;
  int64_t images, top, left;  // top, left: padding
  int step, size;             // of an output tile; of an input window
  int64_t down, across, at_once;

  Grid(const Pixels& input, const Pixels& output, int64_t count, int64_t pad_top, int64_t pad_left,
       const Tiles& tiles)
      : in(input),
        out(output),
        images(count),
        top(pad_top),
        left(pad_left),
        step(tiles.outputs),
        size(tiles.tile) {
    down = divide_up(out.height, step), across = divide_up(out.width, step);
    constexpr int64_t bytes_at_once = 8 << 20;
    const int64_t bytes = down * across * size * size * (in.channels + out.channels) * 4;
    const int64_t parts = std::clamp<int64_t>(divide_up(images * bytes, bytes_at_once), 1, images);
    at_once = divide_up(images, parts);
  }

  int64_t rows() const { return at_once * down * across; }
  Matrices points(int64_t groups, int64_t channels) const {
    return {groups, size * size, rows(), channels / groups};
  }

  // f(row of the matrices, image, tile's row, tile's column). Beyond the last image, image is -1.
  template <class F>
  void each_tile(int64_t first_image, F f) const {
    const int64_t tiles = down * across;
    parallel_for(rows(), [&](int64_t row) {
      const int64_t image = first_image + row / tiles, tile = row % tiles;
      f(row, image < images ? image : -1, tile / across, tile % across);
    });
  }
};

// Operands: tensor, points. Tiles beyond the last image become zero.
Chain::Work windows_to_points(const Grid& grid, bool of_outputs, int64_t first_image,
                              const Matrices& m, ToPoints transform) {
  const Pixels& pixels = of_outputs ? grid.out : grid.in;
  const int64_t top = of_outputs ? 0 : grid.top, left = of_outputs ? 0 : grid.left;
  return [=](void* const* operands) {
    const auto* tensor = static_cast<const float*>(operands[0]);
    auto* points = static_cast<float*>(operands[1]);
    grid.each_tile(first_image, [&](int64_t row, int64_t image, int64_t down, int64_t across) {
      const int64_t y = down * grid.step - top, x = across * grid.step - left;
      Window window = pixels.window(y, x, of_outputs ? grid.step : grid.size);
      if (image < 0) window.bottom = 0;
      for (int64_t group = 0; group < m.groups; ++group)
        transform(tensor + pixels.offset(std::max<int64_t>(image, 0), y, x, group * m.columns),
                  window, points + m.offset(group, row), m.stride(), m.columns);
    });
  };
}

// Operands: points, outputs, bias if there is one.
Chain::Work points_to_outputs(const Grid& grid, int64_t first_image, const Matrices& m,
                              FromPoints transform, bool bias, bool relu) {
  return [=](void* const* operands) {
    const auto* points = static_cast<const float*>(operands[0]);
    auto* tensor = static_cast<float*>(operands[1]);
    const auto* shift = bias ? static_cast<const float*>(operands[2]) : nullptr;
    grid.each_tile(first_image, [&](int64_t row, int64_t image, int64_t down, int64_t across) {
      if (image < 0) return;
      const int64_t y = down * grid.step, x = across * grid.step;
      for (int64_t group = 0; group < m.groups; ++group) {
        const int64_t channel = group * m.columns;
        transform(points + m.offset(group, row), m.stride(),
                  tensor + grid.out.offset(image, y, x, channel), grid.out.window(y, x, grid.step),
                  m.columns, shift ? shift + channel : nullptr, relu);
      }
    });
  };
}

// Weights in training: kernel row, kernel column, group, input channel, output channel, the last
// one running fastest.
struct Weights {
  int64_t kernel, groups, in, out;  // in, out: channels of a group

  int64_t pixel() const { return groups * in * out; }
  int64_t row() const { return kernel * pixel(); }
  Md md() const {
    constexpr auto f32 = dnnl::memory::data_type::f32;
    if (groups == 1) return {{out, in, kernel, kernel}, f32, {1, out, row(), pixel()}};
    return {{groups, out, in, kernel, kernel}, f32, {in * out, 1, out, row(), pixel()}};
  }
  // Turned round, for the gradient of the input, it starts at the last weight and goes back.
  Window window(bool turned) const {
    const int64_t sign = turned ? -1 : 1;
    const int size = static_cast<int>(kernel);
    return {sign * row(), sign * pixel(), out, 0, 0, size, 0, size};
  }
  int64_t offset(int64_t input, bool turned) const {  // input: group * in + input channel
    return input * out + (turned ? (kernel * kernel - 1) * pixel() : 0);
  }
};

// Operands: weights, points.
Chain::Work weights_to_points(const Weights& weights, const Matrices& m, bool turned,
                              ToPoints transform) {
  return [=](void* const* operands) {
    const auto* from = static_cast<const float*>(operands[0]);
    auto* points = static_cast<float*>(operands[1]);
    parallel_for(weights.groups * weights.in, [&](int64_t row) {
      transform(from + weights.offset(row, turned), weights.window(turned),
                points + m.offset(row / weights.in, row % weights.in), m.stride(), m.columns);
    });
  };
}

// Operands: points, gradient of the weights.
Chain::Work points_to_weights(const Weights& weights, const Matrices& m, FromPoints transform) {
  return [=](void* const* operands) {
    const auto* points = static_cast<const float*>(operands[0]);
    auto* to = static_cast<float*>(operands[1]);
    parallel_for(weights.groups * weights.in, [&](int64_t row) {
      transform(points + m.offset(row / weights.in, row % weights.in), m.stride(),
                to + weights.offset(row, false), weights.window(false), m.columns, nullptr, false);
    });
  };
}

// Operands: points of the outputs' gradient, gradient of the bias. The point (1, 1) of a tile is
// the sum of its pixels.
Chain::Work points_to_bias(const Matrices& m, int tile, bool add) {
  return [=](void* const* operands) {
    const auto* points = static_cast<const float*>(operands[0]) + (tile + 1) * m.stride();
    auto* bias = static_cast<float*>(operands[1]);
    if (!add) std::fill_n(bias, m.groups * m.columns, 0.f);
    for (int64_t group = 0; group < m.groups; ++group)
      for (int64_t row = 0; row < m.rows; ++row) {
        const float* from = points + m.offset(group, row);
        for (int64_t c = 0; c < m.columns; ++c) bias[group * m.columns + c] += from[c];
      }
  };
}

// One kernel's chains.
class Builder {
 public:
  Builder(const Conv& op, const Context& context, const Tiles& tiles, Tag tag)
      : op_(op),
        context_(context),
        tiles_(tiles),
        in_shape_(context.in().shape),
        out_shape_(context.out_shape(op)),
        in_md_(with_tag(in_shape_, DataType::f32, tag)),
        out_md_(with_tag(out_shape_, DataType::f32, tag)),
        weights_{op.kernel, op.groups, in_shape_[1] / op.groups, op.out / op.groups},
        weight_points_{op.groups, tiles.tile * tiles.tile, weights_.in, weights_.out},
        grid_(Pixels(in_shape_, tag), Pixels(out_shape_, tag), in_shape_[0], op.pad.top,
              op.pad.left, tiles),
        back_(grid_.out, grid_.in, grid_.images, op.kernel - 1 - op.pad.top,
              op.kernel - 1 - op.pad.left, tiles),
        kernel_(context.kernel()) {}

  std::unique_ptr<Kernel> make() {
    fill_spec();
    forward();
    if (context_.training()) backward();
    kernel_->measure();
    return std::move(kernel_);
  }

 private:
  Md bias() const { return with_tag({op_.out}, DataType::f32, Tag::x); }

  void fill_spec() {
    KernelSpec& spec = kernel_->spec();
    spec.implementation = cat("winograd ", tiles_.outputs, "x", tiles_.outputs);
    spec.inputs = {desc_of(in_md_, in_shape_)};
    spec.outputs = {desc_of(out_md_, out_shape_)};
    const Shape shape{op_.out, weights_.in, op_.kernel, op_.kernel};
    spec.params = {context_.training()
                       ? desc_of(weights_.md(), shape)
                       : TensorDesc{shape, DataType::f32,
                                    std::make_shared<WinogradLayout>(op_, in_shape_[1], tiles_)},
                   desc_of(bias(), {op_.out})};
    spec.backward_reads_inputs = context_.training();
    add_gradients(spec, context_.request);
  }

  void forward() {
    Chain& chain = kernel_->forward_chain;
    Chain::Operand points;
    if (context_.training()) {
      points = chain.temporary(weight_points_.md());
      chain.add({chain.external(Role::param, 0, weights_.md()), points},
                weights_to_points(weights_, weight_points_, false, tiles_.weight));
    } else {
      points = chain.external(Role::param, 0, weight_points_.md());
    }
    const auto from = chain.temporary(grid_.points(op_.groups, in_shape_[1]).md());
    const auto to = chain.temporary(grid_.points(op_.groups, op_.out).md());
    const std::vector<Chain::Operand> outputs{to, chain.external(Role::output, 0, out_md_),
                                              chain.external(Role::param, 1, bias())};
    convolve(chain, grid_, {chain.external(Role::input, 0, in_md_), from}, points, outputs,
             op_.activation == Activation::relu);
  }

  // inputs: tensor, points; outputs: points, tensor, and bias if there is one.
  void convolve(Chain& chain, const Grid& grid, const std::vector<Chain::Operand>& inputs,
                Chain::Operand weights, const std::vector<Chain::Operand>& outputs, bool relu) {
    const Matrices from = grid.points(op_.groups, grid.in.channels),
                   to = grid.points(op_.groups, grid.out.channels);
    for (int64_t first = 0; first < grid.images; first += grid.at_once) {
      chain.add(inputs, windows_to_points(grid, false, first, from, tiles_.input));
      chain.add_product(inputs[1], weights, outputs[0], /*sum=*/false);
      chain.add(outputs,
                points_to_outputs(grid, first, to, tiles_.output, outputs.size() > 2, relu));
    }
  }

  // The gradients share memory: of points with the input's channels, with the output's, and of the
  // weights.
  void backward() {
    Chain& chain = kernel_->backward_chain;
    const auto grad = grad_before_activation(*kernel_, op_.activation, out_md_, context_);
    const bool wants_input = context_.wants_grad(0);
    const Grid& larger = wants_input && back_.rows() > grid_.rows() ? back_ : grid_;
    const auto in_points = chain.temporary(larger.points(op_.groups, in_shape_[1]).md());
    const auto out_points = chain.temporary(larger.points(op_.groups, op_.out).md());
    const auto weight_points = chain.temporary(weight_points_.md());
    weight_grad(grad, in_points, out_points, weight_points);
    if (!wants_input) return;
    chain.add({chain.external(Role::param, 0, weights_.md()), weight_points},
              weights_to_points(weights_, weight_points_, true, tiles_.weight));
    convolve(chain, back_, {grad, chain.view(out_points, back_.points(op_.groups, op_.out).md())},
             chain.view(weight_points, weight_points_.transposed()),
             {chain.view(in_points, back_.points(op_.groups, in_shape_[1]).md()),
              chain.external(Role::input_grad, 0, in_md_)},
             false);
  }

  void weight_grad(Chain::Operand grad, Chain::Operand in_memory, Chain::Operand out_memory,
                   Chain::Operand made) {
    Chain& chain = kernel_->backward_chain;
    const Matrices in = grid_.points(op_.groups, in_shape_[1]),
                   out = grid_.points(op_.groups, op_.out);
    const auto source = chain.external(Role::input, 0, in_md_);
    const auto in_points = chain.view(in_memory, in.transposed()),
               out_points = chain.view(out_memory, out.md());
    for (int64_t first = 0; first < grid_.images; first += grid_.at_once) {
      chain.add({source, in_points}, windows_to_points(grid_, false, first, in, tiles_.input));
      chain.add({grad, out_points}, windows_to_points(grid_, true, first, out, tiles_.output_grad));
      chain.add_product(in_points, out_points, made, /*sum=*/first > 0);
      chain.add({out_points, chain.external(Role::param_grad, 1, bias())},
                points_to_bias(out, tiles_.tile, first > 0));
    }
    chain.add({made, chain.external(Role::param_grad, 0, weights_.md())},
              points_to_weights(weights_, weight_points_, tiles_.weight_grad));
  }

  const Conv& op_;
  const Context& context_;
  const Tiles& tiles_;
  Shape in_shape_, out_shape_;
  Md in_md_, out_md_;
  Weights weights_;
  Matrices weight_points_;
  Grid grid_, back_;
  std::unique_ptr<ChainKernel> kernel_;
};

bool has_avx512() { return has_isa(dnnl::cpu_isa::avx512_core); }

int64_t tiles_of(const Shape& out, int64_t outputs) {
  return divide_up(out[2], outputs) * divide_up(out[3], outputs);
}

// How many outputs a tile is made of: as few products as can be. Null where there are no
// transforms.
const Tiles* choose_tiles([[maybe_unused]] const Conv& op, [[maybe_unused]] const Shape& out) {
  const Tiles* best = nullptr;
#ifdef __x86_64__
  const auto find = has_avx512() ? winograd::tiles_avx512 : winograd::tiles_avx2;
  int64_t least = 0;
  for (int outputs : {4, 5}) {
    const Tiles* tiles = find(outputs, static_cast<int>(op.kernel));
    if (!tiles) continue;
    const int64_t products = tiles_of(out, outputs) * tiles->tile * tiles->tile;
    if (!best || products < least) best = tiles, least = products;
  }
#endif
  return best;
}

}  // namespace

bool WinogradLayout::equals(const Layout& other) const {
  const auto* same_kind = dynamic_cast<const WinogradLayout*>(&other);
  return same_kind && &same_kind->tiles_ == &tiles_ && same_kind->groups_ == groups_ &&
         same_kind->in_ == in_ && same_kind->out_ == out_;
}

size_t WinogradLayout::bytes() const {
  return static_cast<size_t>(groups_ * tiles_.tile * tiles_.tile * in_ * out_) * sizeof(float);
}

void WinogradLayout::pack(const float* weights, float* packed) const {
  const int64_t size = tiles_.kernel * tiles_.kernel;
  const Matrices m{groups_, tiles_.tile * tiles_.tile, in_, out_};
  const Weights one{tiles_.kernel, 1, 1, out_};
  // of one input channel, output channels running fastest
  std::vector<float> column(static_cast<size_t>(size * out_));
  for (int64_t row = 0; row < groups_ * in_; ++row) {
    const int64_t group = row / in_, channel = row % in_;
    for (int64_t out = 0; out < out_; ++out)
      for (int64_t i = 0; i < size; ++i)
        column[static_cast<size_t>(i * out_ + out)] =
            weights[((group * out_ + out) * in_ + channel) * size + i];
    tiles_.weight(column.data(), one.window(false), packed + m.offset(group, channel), m.stride(),
                  out_);
  }
}

std::unique_ptr<Kernel> make_winograd(const Conv& op, const Context& context) {
  const Shape in = context.in().shape, out = context.out_shape(op);
  if (!has_isa(dnnl::cpu_isa::avx2) || context.request.types != NodeTypes{} || op.stride != 1 ||
      op.activation == Activation::tanh)
    return nullptr;
  const int64_t lanes = has_avx512() ? 16 : 8;
  if (in[1] / op.groups % lanes != 0 || op.out / op.groups % lanes != 0) return nullptr;
  const Tiles* tiles = choose_tiles(op, out);
  // With fewer tiles the time goes into reading the transformed weights, which are 4 to 5.4 times
  // as large (5 x 5: 2.6).
  constexpr int64_t enough_tiles = 16;
  if (!tiles || in[0] * tiles_of(out, tiles->outputs) < enough_tiles) return nullptr;

  const Tag blocked = lanes == 16 ? Tag::nChw16c : Tag::nChw8c;
  const Tag tag = tag_of(md_of(context.in())) == Tag::nhwc ? Tag::nhwc : blocked;
  return Builder(op, context, *tiles, tag).make();
}

}  // namespace alx::onednn
