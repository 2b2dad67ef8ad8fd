#include "backends/cudnn/kernel.h"

namespace alx::cudnn {
namespace {

class ConcatKernel : public DeviceKernel {
 public:
  ConcatKernel(const Op& op, const Context& context) : DeviceKernel(op, context, context.type()) {
    spec_.implementation = "copy";
  }

  void run_forward(const StepContext&) override {
    each_part([&](size_t i, size_t start, size_t part, size_t whole) {
      copy(static_cast<char*>(memory_.outputs[0]) + start, whole, memory_.inputs[i], part, part);
    });
  }
  void run_backward(const StepContext&) override {
    each_part([&](size_t i, size_t start, size_t part, size_t whole) {
      if (wants_grad(i))
        copy(memory_.input_grads[i], part, static_cast<const char*>(memory_.output_grads[0]) + start, whole, part);
    });
  }

 private:
  // visit(input, where its part of an image starts, its bytes, the bytes of a whole image)
  template <class Visit>
  void each_part(Visit visit) const {
    const size_t images = static_cast<size_t>(out_shape()[0]), whole = spec_.outputs[0].bytes() / images;
    size_t start = 0;
    for (size_t i = 0; i < spec_.inputs.size(); ++i) {
      const size_t part = spec_.inputs[i].bytes() / images;
      visit(i, start, part, whole);
      start += part;
    }
  }
  void copy(void* to, size_t to_pitch, const void* from, size_t from_pitch, size_t width) const {
    device_->call<&Api::cudaMemcpy2DAsync>(to, to_pitch, from, from_pitch, width, static_cast<size_t>(out_shape()[0]),
                                           cudaMemcpyDeviceToDevice, device_->compute());
  }
};

}  // namespace

std::unique_ptr<Kernel> make(const Concat& op, const Context& context) {
  return std::make_unique<ConcatKernel>(op, context);
}

}  // namespace alx::cudnn
