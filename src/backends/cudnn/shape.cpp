// Ops that move elements without changing them, and their sum.
#include "backends/cudnn/kernel.h"
#include "core/error.h"

namespace alx::cudnn {
namespace {

// In the order of the parts; `total` is none of them, or the only one.
void add(Device& device, const std::vector<void*>& parts, void* total, DataType type,
         size_t count) {
  if (parts.size() == 1 && parts[0] == total) return;
  Sum sum{{}, total, 0, type, count};
  for (size_t way = 0; way < parts.size();) {
    sum.ways = 0;
    if (way > 0) sum.parts[sum.ways++] = total;
    while (way < parts.size() && sum.ways < Sum::most) sum.parts[sum.ways++] = parts[way++];
    device.launch(sum);
  }
}

// Output i is the input's own memory; the gradient of the input is the sum of the outputs', in
// their order.
class SplitKernel : public DeviceKernel {
 public:
  SplitKernel(const Op& op, const Context& context)
      : DeviceKernel(op, context, context.request.inputs[0].type) {
    spec_.alias = spec_.grad_in_place = true;
    spec_.implementation = "own";
  }

  void run_forward() override {}

  void run_backward() override {
    if (wants_grad()) add(*device_, memory_.output_grads, memory_.input_grads[0], type_, count());
  }
};

class AddKernel : public DeviceKernel {
 public:
  AddKernel(const Op& op, const Context& context) : DeviceKernel(op, context, context.type()) {
    spec_.implementation = "own";
  }

  void run_forward() override { add(*device_, memory_.inputs, memory_.outputs[0], type_, count()); }
  void run_backward() override {
    for (size_t i = 0; i < spec_.inputs.size(); ++i)
      if (wants_grad(i))
        device_->copy(memory_.input_grads[i], memory_.output_grads[0], spec_.outputs[0].bytes());
  }
};

class ConcatKernel : public DeviceKernel {
 public:
  ConcatKernel(const Concat& op, const Context& context)
      : DeviceKernel(op, context, context.type()),
        images_(op.images ? 1 : static_cast<size_t>(out_shape()[0])) {
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
        copy(memory_.input_grads[i], part,
             static_cast<const char*>(memory_.output_grads[0]) + start, whole, part);
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
      return device_->copy(to, from, width);
    device_->call<&Api::cudaMemcpy2DAsync>(to, to_pitch, from, from_pitch, width, images_,
                                           cudaMemcpyDeviceToDevice, device_->compute());
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

  void run_forward() override {
    device_->copy(memory_.outputs[0], static_cast<const char*>(memory_.inputs[0]) + start_,
                  spec_.outputs[0].bytes());
  }
  void run_backward() override {
    if (!wants_grad()) return;
    device_->call<&Api::cudaMemsetAsync>(memory_.input_grads[0], 0, spec_.inputs[0].bytes(),
                                         device_->compute());
    device_->copy(static_cast<char*>(memory_.input_grads[0]) + start_, memory_.output_grads[0],
                  spec_.outputs[0].bytes());
  }

 private:
  size_t start_;
};

class ReorderKernel : public Kernel {
 public:
  ReorderKernel(std::shared_ptr<Device> device, const TensorDesc& from, const TensorDesc& to)
      : device_(std::move(device)) {
    spec_.inputs = {from};
    spec_.outputs = {to};
    spec_.implementation = "own";
  }
  void bind(const Binding& binding) override { memory_ = binding; }
  void forward() override {
    device_->use();
    device_->launch(Convert{memory_.inputs[0], memory_.outputs[0], spec_.inputs[0].type,
                            spec_.outputs[0].type,
                            static_cast<size_t>(element_count(spec_.inputs[0].shape))});
  }
  void backward() override {}

 private:
  std::shared_ptr<Device> device_;
  Binding memory_;
};

}  // namespace

std::unique_ptr<Kernel> make_alias(const Op& op, const Context& context) {
  return std::make_unique<SplitKernel>(op, context);
}
std::unique_ptr<Kernel> make(const Add& op, const Context& context) {
  return std::make_unique<AddKernel>(op, context);
}
std::unique_ptr<Kernel> make(const Flatten& op, const Context& context) {
  return make_alias(op, context);
}
std::unique_ptr<Kernel> make(const Split& op, const Context& context) {
  return make_alias(op, context);
}
std::unique_ptr<Kernel> make(const Copy& op, const Context& context) {
  return make_alias(op, context);
}

std::unique_ptr<Kernel> make(const Concat& op, const Context& context) {
  return std::make_unique<ConcatKernel>(op, context);
}

std::unique_ptr<Kernel> make(const BatchSlice& op, const Context& context) {
  return std::make_unique<BatchSliceKernel>(op, context);
}

std::unique_ptr<Kernel> make_reorder(const std::shared_ptr<Device>& device, const TensorDesc& from,
                                     const TensorDesc& to) {
  const auto floating = [](DataType t) {
    return t == DataType::f32 || t == DataType::f16 || t == DataType::bf16;
  };
  check(from.shape == to.shape && floating(from.type) && floating(to.type) && !from.layout &&
            !to.layout,
        Code::internal, "no way to turn ", name_of(from.type), " ", to_string(from.shape), " into ",
        name_of(to.type), " ", to_string(to.shape), " on a GPU");
  return std::make_unique<ReorderKernel>(device, from, to);
}

}  // namespace alx::cudnn
