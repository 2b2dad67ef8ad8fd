#include <limits>

#include "backends/cudnn/kernel.h"

namespace alx::cudnn {
namespace {

// cuDNN pads alike on both sides and drops windows that hang over. Where the op does otherwise, its
// input is laid into scratch memory that the windows fit exactly; what surrounds it never wins.
class MaxPoolKernel : public DeviceKernel {
 public:
  MaxPoolKernel(const MaxPool& op, const Context& context)
      : DeviceKernel(op, context, context.type()),
        op_(op),
        moved_(!fits(op, in_shape(), out_shape())),
        x_shape_(moved_ ? filled(op, out_shape()) : in_shape()),
        pooling_(device_->api(), device_->index()),
        x_(*device_, x_shape_, type_),
        y_(*device_, out_shape(), type_) {
    const auto size = [](int64_t v) { return static_cast<int>(v); };
    device_->call<&Api::cudnnSetPooling2dDescriptor>(
        pooling_, CUDNN_POOLING_MAX_DETERMINISTIC, CUDNN_PROPAGATE_NAN, size(op.kernel),
        size(op.kernel), moved_ ? 0 : size(op.pad.top), moved_ ? 0 : size(op.pad.left),
        size(op.stride), size(op.stride));
    Scratch forward, backward;
    forward.add(moved_bytes());
    spec_.forward_workspace = forward.bytes();
    if (!training_) return;
    backward.add(moved_bytes());
    moved_grad_ = backward.add(moved_bytes());
    spec_.backward_workspace = backward.bytes();
    spec_.backward_reads_inputs = spec_.backward_reads_outputs = true;
  }

  void run_forward() override {
    const void* x = input(memory_.forward_workspace);
    device_->call<&Api::cudnnPoolingForward>(device_->cudnn(), pooling_, &one, x_, x, &zero, y_,
                                             memory_.outputs[0]);
  }

  void run_backward() override {
    if (!wants_grad()) return;
    const void* x = input(memory_.backward_workspace);
    void* const dx = moved_ ? backward_scratch(moved_grad_) : memory_.input_grads[0];
    device_->call<&Api::cudnnPoolingBackward>(device_->cudnn(), pooling_, &one, y_,
                                              memory_.outputs[0], y_, memory_.output_grads[0], x_,
                                              x, &zero, x_, dx);
    if (moved_) crop(dx, x_shape_, memory_.input_grads[0], in_shape(), op_.pad);
  }

 private:
  static bool fits(const MaxPool& op, const Shape& in, const Shape& out) {
    const auto axis = [&](int64_t size, int64_t before, int64_t after, int64_t outputs) {
      return before == after && before < op.kernel &&
             1 + (size + 2 * before - op.kernel) / op.stride == outputs;
    };
    return axis(in[2], op.pad.top, op.pad.bottom, out[2]) &&
           axis(in[3], op.pad.left, op.pad.right, out[3]);
  }

  static Shape filled(const MaxPool& op, const Shape& out) {
    return {out[0], out[1], (out[2] - 1) * op.stride + op.kernel,
            (out[3] - 1) * op.stride + op.kernel};
  }
  size_t moved_bytes() const {
    return moved_ ? static_cast<size_t>(element_count(x_shape_)) * size_of(type_) : 0;
  }

  const void* input(void* scratch) const {
    if (!moved_) return memory_.inputs[0];
    pad(memory_.inputs[0], in_shape(), scratch, x_shape_, op_.pad,
        -std::numeric_limits<float>::infinity());
    return scratch;
  }

  MaxPool op_;
  bool moved_;
  Shape x_shape_;
  Handle<cudnnPoolingDescriptor_t, &Api::cudnnCreatePoolingDescriptor,
         &Api::cudnnDestroyPoolingDescriptor>
      pooling_;
  TensorDescriptor x_, y_;
  size_t moved_grad_ = 0;
};

class AverageKernel : public DeviceKernel {
 public:
  AverageKernel(const Op& op, const AverageShape& shape, const Context& context)
      : DeviceKernel(op, context, context.type()), shape_(shape) {
    shape_.in_h = in_shape()[2], shape_.in_w = in_shape()[3];
    shape_.out_h = out_shape()[2], shape_.out_w = out_shape()[3];
    spec_.implementation = "own";
  }

  void run_forward() override {
    device_->launch(Average{memory_.inputs[0], memory_.outputs[0], type_, shape_, count()});
  }
  void run_backward() override {
    if (wants_grad())
      device_->launch(AverageGrad{memory_.output_grads[0], memory_.input_grads[0], type_, shape_,
                                  static_cast<size_t>(element_count(in_shape()))});
  }

 private:
  AverageShape shape_;
};

}  // namespace

std::unique_ptr<Kernel> make(const MaxPool& op, const Context& context) {
  return std::make_unique<MaxPoolKernel>(op, context);
}

std::unique_ptr<Kernel> make(const AvgPool& op, const Context& context) {
  return std::make_unique<AverageKernel>(
      op, AverageShape{0, 0, 0, 0, op.kernel, op.stride, op.pad, op.count_padding}, context);
}

std::unique_ptr<Kernel> make(const AdaptiveAvgPool& op, const Context& context) {
  const Shape& in = context.request.inputs[0].shape;
  // each window is one element
  if (output_shapes(op, {in})[0] == in) return make_alias(op, context);
  return std::make_unique<AverageKernel>(op, AverageShape{0, 0, 0, 0, 0, 1, {}, false}, context);
}

}  // namespace alx::cudnn
