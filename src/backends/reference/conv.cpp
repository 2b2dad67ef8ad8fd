#include "backends/reference/kernel.h"

namespace alx::reference {
namespace {

// The outputs whose tap falls inside the input along one axis.
struct Range {
  int64_t first, last;
};
Range inside(int64_t offset, int64_t stride, int64_t in, int64_t out) {
  const int64_t last = in > offset ? std::min(out, (in - offset - 1) / stride + 1) : 0;
  const int64_t first = offset < 0 ? (-offset + stride - 1) / stride : 0;
  return {std::min(first, last), last};
}

class ConvKernel : public ReferenceKernel {
 public:
  ConvKernel(const Conv& op, const CompileRequest& request)
      : ReferenceKernel(op, request), op_(op) {
    const Shape &in = in_shape(), &out = out_shape();
    images_ = in[0];
    channels_ = in[1] / op.groups;
    filters_ = op.out / op.groups;
    height_ = in[2], width_ = in[3], out_height_ = out[2], out_width_ = out[3];
    pixels_ = out_height_ * out_width_;
    taps_ = op.kernel * op.kernel;
    depth_ = channels_ * taps_;
    column_count_ = element_count({channels_, op.kernel, op.kernel, out_height_, out_width_});
    spec_.forward_workspace = static_cast<size_t>(column_count_) * sizeof(float) + weight_scratch();
    if (!training_) return;
    const int64_t doubles =
        element_count({op.out, depth_}) + op.out + taps_ * pixels_ + height_ * width_;
    const int64_t floats = column_count_ + op.out * pixels_;
    spec_.backward_workspace =
        static_cast<size_t>(doubles) * sizeof(double) + static_cast<size_t>(floats) * sizeof(float);
    spec_.backward_reads_inputs = true;
    spec_.backward_reads_outputs = op.activation != Activation::none;
  }

  void forward() override {
    float* columns = static_cast<float*>(memory_.forward_workspace);
    const float* filters = weight(columns + column_count_);
    for (int64_t n = 0; n < images_; ++n)
      for (int64_t g = 0; g < op_.groups; ++g) {
        unfold(group_input(n, g), columns);
        const float* bias = param(1) + g * filters_;
        float* out = output() + (n * op_.out + g * filters_) * pixels_;
        multiply(filters_, pixels_, depth_, filters + g * filters_ * depth_, depth_, 1, columns,
                 [&](int64_t filter, int64_t pixel, double sum) {
                   out[filter * pixels_ + pixel] =
                       static_cast<float>(activate(op_.activation, sum + bias[filter]));
                 });
      }
  }

  void backward() override {
    const Scratch scratch = backward_scratch();
    std::fill_n(scratch.weight_sums, op_.out * depth_, 0.0);
    std::fill_n(scratch.bias_sums, op_.out, 0.0);
    for (int64_t n = 0; n < images_; ++n) {
      grad_before_activation(n, scratch.grad);
      for (int64_t g = 0; g < op_.groups; ++g) {
        unfold(group_input(n, g), scratch.columns);
        add_param_grads(g, scratch);
        if (wants_grad())
          for (int64_t c = 0; c < channels_; ++c) input_channel_grad(n, g, c, scratch);
      }
    }
    std::transform(scratch.weight_sums, scratch.weight_sums + op_.out * depth_, param_grad(0),
                   [](double sum) { return static_cast<float>(sum); });
    std::transform(scratch.bias_sums, scratch.bias_sums + op_.out, param_grad(1),
                   [](double sum) { return static_cast<float>(sum); });
  }

 private:
  struct Scratch {
    double *weight_sums, *bias_sums, *column_grads, *plane;
    float *columns, *grad;
  };
  Scratch backward_scratch() const {
    Scratch s{};
    s.weight_sums = static_cast<double*>(memory_.backward_workspace);
    s.bias_sums = s.weight_sums + op_.out * depth_;
    s.column_grads = s.bias_sums + op_.out;
    s.plane = s.column_grads + taps_ * pixels_;
    s.columns = reinterpret_cast<float*>(s.plane + height_ * width_);
    s.grad = s.columns + column_count_;
    return s;
  }

  const float* group_input(int64_t n, int64_t g) const {
    return input() + (n * op_.groups + g) * channels_ * height_ * width_;
  }

  // columns[channel, tap][output pixel]: what each tap sees, zero in the padding.
  void unfold(const float* image, float* columns) const {
    for (int64_t c = 0; c < channels_; ++c, image += height_ * width_)
      for (int64_t kh = 0; kh < op_.kernel; ++kh)
        for (int64_t kw = 0; kw < op_.kernel; ++kw) {
          const int64_t down = kh - op_.pad.top, right = kw - op_.pad.left;
          const Range rows = inside(down, op_.stride, height_, out_height_);
          const Range span = inside(right, op_.stride, width_, out_width_);
          std::fill_n(columns, pixels_, 0.0f);
          for (int64_t h = rows.first; h < rows.last; ++h) {
            const float* row = image + (h * op_.stride + down) * width_;
            float* out = columns + h * out_width_;
            for (int64_t w = span.first; w < span.last; ++w) out[w] = row[w * op_.stride + right];
          }
          columns += pixels_;
        }
  }

  // The gradient of image n before the activation.
  void grad_before_activation(int64_t n, float* grad) const {
    const int64_t count = op_.out * pixels_;
    const float *dy = output_grad() + n * count, *y = output() + n * count;
    if (op_.activation == Activation::none)
      std::copy_n(dy, count, grad);
    else
      for (int64_t i = 0; i < count; ++i)
        grad[i] = static_cast<float>(dy[i] * activation_derivative(op_.activation, y[i]));
  }

  void add_param_grads(int64_t g, const Scratch& scratch) const {
    for (int64_t f = g * filters_; f < (g + 1) * filters_; ++f) {
      const float* grad = scratch.grad + f * pixels_;
      for (int64_t p = 0; p < pixels_; ++p) scratch.bias_sums[f] += grad[p];
      for (int64_t k = 0; k < depth_; ++k)
        scratch.weight_sums[f * depth_ + k] += dot(grad, scratch.columns + k * pixels_, pixels_);
    }
  }

  void input_channel_grad(int64_t n, int64_t g, int64_t c, const Scratch& scratch) const {
    multiply(taps_, pixels_, filters_, param(0) + g * filters_ * depth_ + c * taps_, 1, depth_,
             scratch.grad + g * filters_ * pixels_, [&](int64_t tap, int64_t pixel, double sum) {
               scratch.column_grads[tap * pixels_ + pixel] = sum;
             });
    std::fill_n(scratch.plane, height_ * width_, 0.0);
    const double* from = scratch.column_grads;
    for (int64_t kh = 0; kh < op_.kernel; ++kh)
      for (int64_t kw = 0; kw < op_.kernel; ++kw, from += pixels_) {
        const int64_t down = kh - op_.pad.top, right = kw - op_.pad.left;
        const Range rows = inside(down, op_.stride, height_, out_height_);
        const Range span = inside(right, op_.stride, width_, out_width_);
        for (int64_t h = rows.first; h < rows.last; ++h) {
          double* row = scratch.plane + (h * op_.stride + down) * width_;
          for (int64_t w = span.first; w < span.last; ++w)
            row[w * op_.stride + right] += from[h * out_width_ + w];
        }
      }
    float* out = input_grad() + ((n * op_.groups + g) * channels_ + c) * height_ * width_;
    for (int64_t i = 0; i < height_ * width_; ++i) out[i] = static_cast<float>(scratch.plane[i]);
  }

  Conv op_;
  int64_t images_, channels_, filters_;  // channels and filters of one group
  int64_t height_, width_, out_height_, out_width_, pixels_, taps_, depth_, column_count_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Conv& op, const CompileRequest& request) {
  return std::make_unique<ConvKernel>(op, request);
}

}  // namespace alx::reference
