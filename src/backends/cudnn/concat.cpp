#include "backends/cudnn/kernel.h"

namespace alx::cudnn {
namespace {

class ConcatKernel : public DeviceKernel {
 public:
  ConcatKernel(const Concat& op, const Context& context)
      : DeviceKernel(op, context, context.type()), images_(op.images ? 1 : static_cast<size_t>(out_shape()[0])) {
    spec_.implementation = "copy";
  }

  void run_forward() override {
    each_part([&](size_t i, size_t start, size_t part, size_t whole) {
      copy(static_cast<char*>(memory_.outputs[0]) + start, whole, memory_.inputs[i], part, part);
    });
  }
  void run_backward() override {
    each_part([&](size_t i, size_t start, size_t part, size_t whole) {
      if (wants_grad(i))
        copy(memory_.input_grads[i], part, static_cast<const char*>(memory_.output_grads[0]) + start, whole, part);
    });
  }

 private:
  // visit(input, where its part of an image starts, its bytes, the bytes of a whole image)
  template <class Visit>
  void each_part(Visit visit) const {
    const size_t images = images_, whole = spec_.outputs[0].bytes() / images;
    size_t start = 0;
    for (size_t i = 0; i < spec_.inputs.size(); ++i) {
      const size_t part = spec_.inputs[i].bytes() / images;
      visit(i, start, part, whole);
      start += part;
    }
  }
  void copy(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width) const {
    if (images_ == 1)  // whole batches may be larger than a pitch can be
      return device_->call<&Api::cudaMemcpyAsync>(to, from, width, cudaMemcpyDeviceToDevice, device_->compute());
    device_->call<&Api::cudaMemcpy2DAsync>(to, to_pitch, from, from_pitch, width, images_, cudaMemcpyDeviceToDevice,
                                           device_->compute());
  }
  size_t images_;  // that are joined one by one: along N all of them are one
};

class BatchSliceKernel : public DeviceKernel {
 public:
  BatchSliceKernel(const BatchSlice& op, const Context& context)
      : DeviceKernel(op, context, context.request.inputs[0].type) {
    spec_.implementation = "copy";
    start_ = static_cast<size_t>(op.part) * spec_.outputs[0].bytes();
  }

  void run_forward() override { copy(memory_.outputs[0], static_cast<const char*>(memory_.inputs[0]) + start_); }
  void run_backward() override {
    if (!wants_grad()) return;
    device_->call<&Api::cudaMemsetAsync>(memory_.input_grads[0], 0, spec_.inputs[0].bytes(), device_->compute());
    copy(static_cast<char*>(memory_.input_grads[0]) + start_, memory_.output_grads[0]);
  }

 private:
  void copy(void* to, const void* from) const {
    device_->call<&Api::cudaMemcpyAsync>(to, from, spec_.outputs[0].bytes(), cudaMemcpyDeviceToDevice,
                                         device_->compute());
  }
  size_t start_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Concat& op, const Context& context) {
  return std::make_unique<ConcatKernel>(op, context);
}

std::unique_ptr<Kernel> make(const BatchSlice& op, const Context& context) {
  return std::make_unique<BatchSliceKernel>(op, context);
}

}  // namespace alx::cudnn
