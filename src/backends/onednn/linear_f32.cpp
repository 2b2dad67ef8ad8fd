#include "backends/onednn/linear_f32.h"

#include <algorithm>
#include <vector>

#include "backends/onednn/activation.h"
#include "backends/onednn/own_layout.h"
#include "backends/onednn/stage.h"
#include "backends/vectors/elementwise.h"
#include "backends/vectors/product.h"

namespace alx::onednn {
namespace {

constexpr int64_t depth_at_once = 256;  // of a sum: that much of a panel stays in the nearest cache

// Weights (out, in) as inference reads them, from end to end: blocks of outputs, which are the
// parts of the work; in each, blocks of the depth; in each, packed panels. They follow the order of
// the input's elements: channel by channel, or with the channels last.
class PanelLayout final : public OwnLayout {
 public:
  PanelLayout(vectors::Target target, int64_t out, int64_t in, int64_t channels, bool channels_last)
      : target_(target), out_(out), in_(in), channels_(channels), channels_last_(channels_last) {}

  bool equals(const Layout& other) const override {
    const auto* same_kind = dynamic_cast<const PanelLayout*>(&other);
    return same_kind && same_kind->target_ == target_ && same_kind->out_ == out_ &&
           same_kind->in_ == in_ && same_kind->channels_ == channels_ &&
           same_kind->channels_last_ == channels_last_;
  }
  size_t bytes() const override { return bytes_of(vectors::packed_columns(target_, out_) * in_); }
  std::string name() const override { return "panels"; }

  static constexpr int64_t block = 128;  // outputs
  int64_t blocks() const { return divide_up(out_, block); }
  int64_t outputs_of(int64_t b) const { return std::min(block, out_ - b * block); }
  // Where the panels of one block of outputs begin that sum from `depth` on.
  int64_t offset(int64_t b, int64_t depth) const {
    return b * block * in_ + depth * vectors::packed_columns(target_, outputs_of(b));
  }

  int64_t row_step() const override { return block; }
  void pack(const float* rows, int64_t first, int64_t count, float* packed,
            const ParallelLoop& loop) const override {
    const int64_t width = vectors::panel_width(target_);
    loop(divide_up(count, width), [&](int64_t panel) {
      const int64_t row = panel * width;
      pack_panel(rows + row * in_, first + row, std::min(width, count - row), packed);
    });
  }
  void unpack(const float* packed, float* dense) const override {
    const int64_t width = vectors::panel_width(target_);
    for (int64_t row = 0; row < out_; ++row)
      for (int64_t k = 0; k < in_; ++k)
        dense[row * in_ + source(k)] = packed[panel_at(row / width * width, k) + row % width];
  }

 private:
  // Where the row of a panel lies that holds its outputs' weights of the k-th input.
  int64_t panel_at(int64_t first_output, int64_t k) const {
    const int64_t width = vectors::panel_width(target_), start = k / depth_at_once * depth_at_once;
    const int64_t deep = std::min(depth_at_once, in_ - start);
    return offset(first_output / block, start) + first_output % block * deep + (k - start) * width;
  }
  // The dense place of the k-th input.
  int64_t source(int64_t k) const {
    if (!channels_last_) return k;
    return k % channels_ * (in_ / channels_) + k / channels_;
  }
  // By way of a small copy of some of each row: rows often lie a multiple of 4096 bytes apart, and
  // a cache has few places for such.
  void pack_panel(const float* rows, int64_t first_output, int64_t filled, float* packed) const {
    const int64_t width = vectors::panel_width(target_),
                  channels = channels_last_ ? channels_ : in_, pixels = in_ / channels,
                  step = std::max<int64_t>(1, depth_at_once / pixels), stride = step * pixels + 1;
    std::vector<float> near(static_cast<size_t>(width * stride));
    for (int64_t first = 0; first < channels; first += step) {
      const int64_t some = std::min(step, channels - first);
      for (int64_t i = 0; i < filled; ++i)
        std::copy_n(rows + i * in_ + first * pixels, some * pixels, near.data() + i * stride);
      for (int64_t pixel = 0; pixel < pixels; ++pixel)
        for (int64_t channel = 0; channel < some; ++channel) {
          float* to = packed + panel_at(first_output, pixel * channels + first + channel);
          const float* from = near.data() + channel * pixels + pixel;
          for (int64_t i = 0; i < filled; ++i) to[i] = from[i * stride];
          std::fill(to + filled, to + width, 0.f);
        }
    }
  }

  const vectors::Target target_;
  const int64_t out_, in_, channels_;
  const bool channels_last_;
};

class LinearKernel : public Kernel {
 public:
  LinearKernel(const Linear& op, const Context& context)
      : runtime_(context.runtime),
        images_(context.in().shape[0]),
        in_(element_count(context.in().shape) / images_),
        out_(op.out),
        activation_(op.activation) {
    const TensorDesc& in = context.in();
    channels_last_ = is_channels_last(in);
    spec_.inputs = {channels_last_ ? in : TensorDesc{in.shape, DataType::f32, nullptr}};
    spec_.outputs = {{{images_, out_}, DataType::f32, nullptr}};
    spec_.implementation = "products: " + runtime_->vectors_name();
    add_gradients(spec_, context.request);
  }
  void bind(const Binding& binding) override {
    binding_ = binding;
    x_ = static_cast<const float*>(binding.inputs[0]);
    y_ = static_cast<float*>(binding.outputs[0]);
    weight_ = static_cast<const float*>(binding.params[0]);
    bias_ = static_cast<const float*>(binding.params[1]);
  }

 protected:
  vectors::Target target() const { return runtime_->target; }
  int64_t width() const { return vectors::panel_width(target()); }

  const std::shared_ptr<const Runtime> runtime_;
  const int64_t images_, in_, out_;
  const Activation activation_;
  bool channels_last_;
  Binding binding_;
  const float *x_ = nullptr, *weight_ = nullptr, *bias_ = nullptr;
  float* y_ = nullptr;
};

class Inference final : public LinearKernel {
 public:
  Inference(const Linear& op, const Context& context) : LinearKernel(op, context) {
    layout_ =
        std::make_shared<PanelLayout>(target(), out_, in_, context.in().shape[1], channels_last_);
    spec_.params = {{{out_, in_}, DataType::f32, layout_}, {{out_}, DataType::f32, nullptr}};
    if (gathers_) spec_.forward_workspace = bytes_of(images_ * in_);
  }

  void forward() override {
    const int64_t depths = divide_up(in_, depth_at_once);
    if (gathers_) (*runtime_->loop)(depths, [&](int64_t depth) { gather(depth * depth_at_once); });
    (*runtime_->loop)(layout_->blocks(), [&](int64_t block) { outputs(block); });
  }
  void backward() override {}

 private:
  // Images that are read where they lie. Of more, those elements of a row that are used at once are
  // laid together: rows often lie a multiple of 4096 bytes apart, and a cache has few places for
  // such.
  static constexpr int64_t few = 4;

  void gather(int64_t k) const {
    const int64_t deep = std::min(depth_at_once, in_ - k);
    float* to = static_cast<float*>(binding_.forward_workspace) + k * images_;
    for (int64_t image = 0; image < images_; ++image)
      std::copy_n(x_ + image * in_ + k, deep, to + image * deep);
  }

  void outputs(int64_t block) const {
    const auto* gathered = static_cast<const float*>(binding_.forward_workspace);
    const int64_t first = block * PanelLayout::block, count = layout_->outputs_of(block);
    for (int64_t k = 0; k < in_; k += depth_at_once) {
      const int64_t deep = std::min(depth_at_once, in_ - k);
      vectors::multiply(target(), {.rows = images_,
                                   .columns = count,
                                   .depth = deep,
                                   .a = gathers_ ? gathered + k * images_ : x_ + k,
                                   .a_row = gathers_ ? deep : in_,
                                   .a_depth = 1,
                                   .b = weight_ + layout_->offset(block, k),
                                   .b_panel = deep * width(),
                                   .b_row = width(),
                                   .c = y_ + first,
                                   .c_row = out_,
                                   .add = k > 0,
                                   .bias = bias_ + first,
                                   .relu = activation_ == Activation::relu && k + deep == in_});
    }
    for (int64_t image = 0; activation_ == Activation::tanh && image < images_; ++image) {
      float* y = y_ + image * out_ + first;
      vectors::activate(target(), activation_, y, y, count);
    }
  }

  std::shared_ptr<const PanelLayout> layout_;
  const bool gathers_ = images_ > few;
};

// Weights stay dense. Forward they are the left factor, and the images the columns.
class Training final : public LinearKernel {
 public:
  Training(const Linear& op, const Context& context)
      : LinearKernel(op, context), wants_grad_(context.wants_grad(0)) {
    Shape weight = context.in().shape;
    weight[0] = out_;
    spec_.params = {channels_last_
                        ? desc_of(with_tag(weight, DataType::f32, Tag::nhwc), {out_, in_})
                        : TensorDesc{{out_, in_}, DataType::f32, nullptr},
                    {{out_}, DataType::f32, nullptr}};
    spec_.backward_reads_inputs = true;
    spec_.backward_reads_outputs = activation_ != Activation::none;
    spec_.forward_workspace = bytes_of(vectors::packed_columns(target(), images_) * in_);
    spec_.backward_workspace = bytes_of(vectors::packed_columns(target(), in_) * images_);
    runtime_->of_part->announce({rows * vectors::packed_columns(target(), images_)});
    runtime_->of_part->announce({rows * images_});
    runtime_->of_part->announce({depth_at_once * columns});
  }

  void forward() override {
    auto* images = static_cast<float*>(binding_.forward_workspace);
    each_range(*runtime_, in_, 64, [&](int64_t first, int64_t last) {
      for (int64_t image = 0; image < images_; image += width())
        vectors::pack(target(), x_ + image * in_ + first, last - first,
                      std::min(width(), images_ - image), 1, in_,
                      images + image * in_ + first * width());
    });
    (*runtime_->loop)(divide_up(out_, rows), [&](int64_t part) { outputs(part * rows, images); });
  }

  void backward() override {
    auto* grad = static_cast<float*>(binding_.output_grads[0]);
    if (activation_ != Activation::none)
      activation_gradient(*runtime_, activation_, y_, grad, grad, images_ * out_);
    auto* packed = static_cast<float*>(binding_.backward_workspace);
    (*runtime_->loop)(divide_up(in_, width()), [&](int64_t panel) {
      vectors::pack(target(), x_ + panel * width(), images_,
                    std::min(width(), in_ - panel * width()), in_, 1,
                    packed + panel * width() * images_);
    });
    (*runtime_->loop)(divide_up(out_, rows),
                      [&](int64_t part) { weight_grad(part * rows, grad, packed); });
    if (wants_grad_)
      (*runtime_->loop)(divide_up(in_, columns),
                        [&](int64_t part) { input_grad(part * columns, grad); });
  }

 private:
  static constexpr int64_t rows = 48, columns = 256;  // of a part
  static constexpr int64_t large_weights = 2 << 20;   // elements; caches hold less

  // Outputs from `first` on, of all images.
  void outputs(int64_t first, const float* images) const {
    const int64_t count = std::min(rows, out_ - first),
                  wide = vectors::packed_columns(target(), images_);
    Scratch::Piece piece = runtime_->of_part->take();
    float* sums = piece.cut(rows * wide);
    for (int64_t k = 0; k < in_; k += depth_at_once)
      vectors::multiply(target(), {.rows = count,
                                   .columns = wide,
                                   .depth = std::min(depth_at_once, in_ - k),
                                   .a = weight_ + first * in_ + k,
                                   .a_row = in_,
                                   .a_depth = 1,
                                   .b = images + k * width(),
                                   .b_panel = in_ * width(),
                                   .b_row = width(),
                                   .c = sums,
                                   .c_row = wide,
                                   .add = k > 0});
    for (int64_t image = 0; image < images_; ++image)
      for (int64_t i = 0; i < count; ++i) y_[image * out_ + first + i] = sums[i * wide + image];
    vectors::add_bias(target(), activation_, bias_ + first, {images_, count, out_}, y_ + first);
  }

  void weight_grad(int64_t first, const float* grad, const float* packed) const {
    const int64_t count = std::min(rows, out_ - first);
    Scratch::Piece piece = runtime_->of_part->take();
    float* turned = piece.cut(rows * images_);
    auto* bias = static_cast<float*>(binding_.param_grads[1]) + first;
    std::fill_n(bias, count, 0.f);
    for (int64_t image = 0; image < images_; ++image)
      for (int64_t i = 0; i < count; ++i) {
        const float value = grad[image * out_ + first + i];
        turned[i * images_ + image] = value;
        bias[i] += value;
      }
    vectors::multiply(target(), {.rows = count,
                                 .columns = in_,
                                 .depth = images_,
                                 .a = turned,
                                 .a_row = images_,
                                 .a_depth = 1,
                                 .b = packed,
                                 .b_panel = images_ * width(),
                                 .b_row = width(),
                                 .c = static_cast<float*>(binding_.param_grads[0]) + first * in_,
                                 .c_row = in_,
                                 .past_caches = out_ * in_ >= large_weights});
  }

  // Inputs from `first` on, of all images.
  void input_grad(int64_t first, const float* grad) const {
    const int64_t count = std::min(columns, in_ - first);
    Scratch::Piece piece = runtime_->of_part->take();
    float* packed = piece.cut(depth_at_once * columns);
    for (int64_t k = 0; k < out_; k += depth_at_once) {
      const int64_t deep = std::min(depth_at_once, out_ - k);
      vectors::pack(target(), weight_ + k * in_ + first, deep, count, in_, 1, packed);
      vectors::multiply(target(), {.rows = images_,
                                   .columns = count,
                                   .depth = deep,
                                   .a = grad + k,
                                   .a_row = out_,
                                   .a_depth = 1,
                                   .b = packed,
                                   .b_panel = deep * width(),
                                   .b_row = width(),
                                   .c = static_cast<float*>(binding_.input_grads[0]) + first,
                                   .c_row = in_,
                                   .add = k > 0});
    }
  }

  const bool wants_grad_;
};

}  // namespace

std::unique_ptr<Kernel> make_linear_f32(const Linear& op, const Context& context) {
  if (context.request.types != NodeTypes{}) return nullptr;
  if (context.training()) return std::make_unique<Training>(op, context);
  return std::make_unique<Inference>(op, context);
}

}  // namespace alx::onednn
