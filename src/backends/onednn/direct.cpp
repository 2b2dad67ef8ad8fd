// Convolution by products over the picture itself, padded: for each row of outputs one product,
// whose depth is the kernel, row by row. For forms that have no tiles, and for pictures of so few
// channels that tiles are mostly transforms.
#include <algorithm>
#include <optional>

#include "backends/onednn/activation.h"
#include "backends/onednn/blocks.h"
#include "backends/onednn/image_sums.h"
#include "backends/onednn/stage.h"
#include "backends/onednn/winograd_weights.h"
#include "backends/vectors/elementwise.h"
#include "backends/vectors/product.h"

namespace alx::onednn {
namespace {

// A picture that a kernel goes over, and what it makes of it.
struct Sweep {
  Blocks in;  // of one pixel each
  int64_t kernel, stride, out_height, out_width;

  int64_t row() const { return in.across * in.channels; }
  // Where the product reads outputs' row y from.
  const float* at(const float* gathered, int64_t y) const { return gathered + y * stride * row(); }
  bool is_gathered() const {
    return in.dense || in.top != 0 || in.left != 0 || in.down != in.height || in.across != in.width;
  }
  int64_t scratch() const { return is_gathered() ? in.floats() : 0; }
  // All that the outputs' rows [first, last) are made of, in scratch; or the picture itself where
  // that will do.
  const float* gather(const float* picture, float* scratch, int64_t first, int64_t last) const {
    if (!is_gathered()) return picture;
    in.gather(picture, scratch, first * stride, (last - 1) * stride + kernel);
    return scratch;
  }

  struct Weights {
    const float* b;  // (kernel, kernel, channels, columns)
    int64_t row, columns;
    const float* bias = nullptr;
    bool relu = false;
  };
  // (out_width, columns) for each of these rows.
  void run(vectors::Target target, const float* gathered, const Weights& w, float* made,
           int64_t first, int64_t last) const {
    const bool at_once = kernel == 1 && stride == 1 && in.across == out_width;
    const int64_t rows = at_once ? last - first : 1;
    for (int64_t y = first; y < last; y += rows)
      vectors::multiply(target, {.rows = rows * out_width,
                                 .columns = w.columns,
                                 .depth = kernel * in.channels,
                                 .a = at(gathered, y),
                                 .a_row = stride * in.channels,
                                 .a_depth = 1,
                                 .b = w.b,
                                 .b_panel = vectors::panel_width(target),
                                 .b_row = w.row,
                                 .c = made + y * out_width * w.columns,
                                 .c_row = w.columns,
                                 .runs = kernel,
                                 .a_run = row(),
                                 .bias = w.bias,
                                 .relu = w.relu});
  }
};

Sweep forward_sweep(const Conv& op, const TensorDesc& input, const Shape& out) {
  const Shape& in = input.shape;
  return {{1, in[1], in[2], in[3], op.pad.top, op.pad.left, (out[2] - 1) * op.stride + op.kernel,
           (out[3] - 1) * op.stride + op.kernel, in[1], !is_channels_last(input)},
          op.kernel,
          op.stride,
          out[2],
          out[3]};
}

// From the output's gradient to the input's, with the kernel turned round; of stride 1.
Sweep backward_sweep(const Conv& op, const Shape& in, const Shape& out) {
  const int64_t more = op.kernel - 1;
  return {{1, out[1], out[2], out[3], more - op.pad.top, more - op.pad.left, in[2] + more,
           in[3] + more, out[1], false},
          op.kernel,
          1,
          in[2],
          in[3]};
}

class DirectStage final : public Stage {
 public:
  DirectStage(const Conv& op, const StageRequest& request)
      : runtime_(request.runtime),
        activation_(op.activation),
        weights_{op.kernel, 1, op.kernel, 1, request.input.shape[1], op.out} {
    const Shape in = request.input.shape, out = output_shapes(op, {in})[0];
    input = is_channels_last(request.input) || request.wants_grad
                ? channels_last(in)
                : TensorDesc{in, DataType::f32, {}};
    output = channels_last(out);
    forward_ = forward_sweep(op, input, out);
    implementation = "direct: " + runtime_.vectors_name();
    params = {{{op.out, in[1], op.kernel, op.kernel},
               DataType::f32,
               std::make_shared<BlockLayout>(weights_)},
              {{op.out}, DataType::f32, nullptr}};
    scratch = forward_.scratch();
    runtime_.of_part->announce({scratch});
    if (!request.training) return;
    backward_reads_inputs = true;
    backward_reads_outputs = activation_ != Activation::none;
    backward_workspace = bytes_of(image_parts(images()) * part_floats());
    if (!request.wants_grad) return;
    back_ = backward_sweep(op, in, out);
    backward_workspace += bytes_of(whole_lines(places() * weights_.out * padded_in()));
    runtime_.of_part->announce({back_->scratch()});
  }

  void bind(const Binding& binding) override { binding_ = binding; }

  void forward(const Images& i, float* memory) const override {
    for (int64_t image = 0; image < i.count; ++image)
      rows(i, image, 0, forward_.out_height, memory);
  }

  void forward_in_parts(const Images& i) const override {
    each_rows(runtime_, i.count, forward_.out_height,
              [&](int64_t image, int64_t first, int64_t last) {
                rows(i, image, first, last, runtime_.of_part->take().cut(0));
              });
  }

  void backward(const Gradients& g) override {
    if (activation_ != Activation::none)
      activation_gradient(runtime_, activation_, g.out, g.out_grad, g.out_grad,
                          images() * out_elements());
    auto* sums = static_cast<float*>(binding_.backward_workspace);
    if (!binding_.param_grads.empty()) {
      sum_over_images(
          runtime_, images(), part_floats(), sums,
          [&](int64_t first, int64_t last, float* own) { sum_images(g, first, last, own); });
      std::copy_n(sums, weights_.floats(), static_cast<float*>(binding_.param_grads[0]));
      std::copy_n(sums + weights_.floats(), weights_.out,
                  static_cast<float*>(binding_.param_grads[1]));
    }
    if (g.in_grad) input_grad(g, sums + image_parts(images()) * part_floats());
  }

 private:
  int64_t places() const { return weights_.kernel * weights_.kernel; }
  int64_t part_floats() const { return whole_lines(weights_.floats() + weights_.out); }
  // Turned weights' columns are read by whole panels.
  int64_t padded_in() const { return vectors::packed_columns(runtime_.target, weights_.in); }

  void rows(const Images& i, int64_t image, int64_t first, int64_t last, float* memory) const {
    const Sweep::Weights weights{static_cast<const float*>(binding_.params[0]), weights_.out,
                                 weights_.out, static_cast<const float*>(binding_.params[1]),
                                 activation_ == Activation::relu};
    const float* x = forward_.gather(i.x() + image * in_elements(), memory, first, last);
    float* y = i.y() + image * out_elements();
    forward_.run(runtime_.target, x, weights, y, first, last);
    if (activation_ != Activation::tanh) return;
    const int64_t row = forward_.out_width * weights_.out;
    vectors::activate(runtime_.target, activation_, y + first * row, y + first * row,
                      (last - first) * row);
  }

  // Weights' sums, and the bias's behind them. So few rows of outputs at once stay in the cache.
  void sum_images(const Gradients& g, int64_t first, int64_t last, float* sums) const {
    Scratch::Piece piece = runtime_.of_part->take();
    const int64_t out = weights_.out, row = forward_.out_width * out;
    const int64_t at_once = std::max<int64_t>(4096 / row, 1);
    float* bias = sums + weights_.floats();
    std::fill_n(bias, out, 0.f);
    for (int64_t image = first; image < last; ++image) {
      const float* dy = g.out_grad + image * out_elements();
      const float* x =
          forward_.gather(g.in + image * in_elements(), piece.cut(0), 0, forward_.out_height);
      for (int64_t y = 0; y < forward_.out_height; y += at_once)
        add_rows(x, dy, y, std::min(y + at_once, forward_.out_height), image > first || y > 0,
                 sums);
      vectors::add_rows(runtime_.target, dy, {forward_.out_height * forward_.out_width, out, out},
                        bias);
    }
  }

  void add_rows(const float* x, const float* dy, int64_t first, int64_t last, bool add,
                float* sums) const {
    const int64_t rows = weights_.kernel * weights_.in, out = weights_.out;
    for (int64_t kernel_row = 0; kernel_row < weights_.kernel; ++kernel_row)
      vectors::multiply(runtime_.target, {.rows = rows,
                                          .columns = out,
                                          .depth = forward_.out_width,
                                          .a = forward_.at(x, first) + kernel_row * forward_.row(),
                                          .a_row = 1,
                                          .a_depth = forward_.stride * weights_.in,
                                          .b = dy + first * forward_.out_width * out,
                                          .b_panel = vectors::panel_width(runtime_.target),
                                          .b_row = out,
                                          .c = sums + kernel_row * rows * out,
                                          .c_row = out,
                                          .add = add,
                                          .runs = last - first,
                                          .a_run = forward_.stride * forward_.row()});
  }

  void input_grad(const Gradients& g, float* turned) const {
    (*runtime_.loop)(places(), [&](int64_t place) {
      weights_.transpose(static_cast<const float*>(binding_.params[0]), padded_in(), turned, place,
                         places() - 1 - place);
    });
    (*runtime_.loop)(images(), [&](int64_t image) {
      Scratch::Piece piece = runtime_.of_part->take();
      const float* dy =
          back_->gather(g.out_grad + image * out_elements(), piece.cut(0), 0, back_->out_height);
      back_->run(runtime_.target, dy, {turned, padded_in(), weights_.in},
                 g.in_grad + image * in_elements(), 0, back_->out_height);
    });
  }

  const Runtime& runtime_;
  const Activation activation_;
  const BlockWeights weights_;
  Sweep forward_;
  std::optional<Sweep> back_;
  Binding binding_;
};

}  // namespace

std::unique_ptr<Stage> make_direct_stage(const Conv& op, const StageRequest& request) {
  const int64_t lanes = vectors::lanes(request.runtime.target), channels = request.input.shape[1];
  if (op.groups > 1 || op.out % lanes != 0) return nullptr;
  if (op.stride > 1 && request.wants_grad) return nullptr;
  // They stay in a cache, for each row of outputs; and each part of the images has as many sums.
  constexpr int64_t most_weights = 1 << 18;
  if (op.kernel * op.kernel * channels * op.out > most_weights) return nullptr;
  return std::make_unique<DirectStage>(op, request);
}

}  // namespace alx::onednn
