// Ops that move elements without changing them, and their sum; and those that become stages or
// plain loops.
#include <cstring>

#include "backends/onednn/kernels.h"
#include "backends/onednn/primitive.h"
#include "backends/onednn/stage.h"
#include "backends/reference/reference.h"
#include "backends/vectors/elementwise.h"
#include "backends/vectors/half.h"
#include "core/error.h"

namespace alx::onednn {
namespace {

constexpr int64_t add_at_once = 1024;  // elements of 16 bits, in f32

// Inputs beside each other in each pixel: channels last.
class ConcatKernel final : public Kernel {
 public:
  ConcatKernel(const Concat& op, const Context& context) : runtime_(context.runtime) {
    const auto laid_out = [&](const Shape& shape) {
      const DataType type = context.in().type;
      return shape.size() == 4 ? channels_last(shape, type) : TensorDesc{shape, type, nullptr};
    };
    spec_.implementation = "copy";
    spec_.outputs = {laid_out(context.out_shape(op))};
    for (const TensorDesc& desc : context.request.inputs) {
      spec_.inputs.push_back(laid_out(desc.shape));
      const auto channels = static_cast<size_t>(desc.shape[1]);
      pixel_.push_back(channels * size_of(desc.type));
    }
    const Shape& out = spec_.outputs[0].shape;
    pixels_ = element_count(out) / out[1];
    whole_ = static_cast<size_t>(out[1]) * size_of(context.in().type);
    add_gradients(spec_, context.request);
  }
  void bind(const Binding& binding) override { binding_ = binding; }

  void forward() override {
    auto* out = static_cast<char*>(binding_.outputs[0]);
    each_slice([&](size_t input, size_t pixel, size_t place) {
      std::memcpy(out + pixel * whole_ + place,
                  static_cast<const char*>(binding_.inputs[input]) + pixel * pixel_[input],
                  pixel_[input]);
    });
  }
  void backward() override {
    const auto* grad = static_cast<const char*>(binding_.output_grads[0]);
    each_slice([&](size_t input, size_t pixel, size_t place) {
      if (auto* to = static_cast<char*>(binding_.input_grads[input]))
        std::memcpy(to + pixel * pixel_[input], grad + pixel * whole_ + place, pixel_[input]);
    });
  }

 private:
  // copy(input, pixel, its first byte in a pixel of the output)
  template <class Copy>
  void each_slice(const Copy& copy) const {
    each_range(*runtime_, pixels_, 64, [&](int64_t first, int64_t last) {
      for (auto pixel = static_cast<size_t>(first); pixel < static_cast<size_t>(last); ++pixel)
        for (size_t input = 0, place = 0; input < pixel_.size(); place += pixel_[input++])
          copy(input, pixel, place);
    });
  }

  const std::shared_ptr<const Runtime> runtime_;
  std::vector<size_t> pixel_;  // bytes of a pixel of each input
  int64_t pixels_;
  size_t whole_;
  Binding binding_;
};

// total = the sum of the parts, in their order. All are laid out alike.
void add_all(const Runtime& runtime, const TensorDesc& desc, const std::vector<void*>& parts,
             void* total) {
  const auto count = static_cast<int64_t>(desc.bytes() / size_of(desc.type));
  const auto each = [&](const auto& work) { each_range(runtime, count, 4096, work); };
  if (desc.type == DataType::f32)
    return each([&](int64_t first, int64_t last) {
      auto* sum = static_cast<float*>(total) + first;
      std::copy_n(static_cast<const float*>(parts[0]) + first, last - first, sum);
      for (size_t i = 1; i < parts.size(); ++i)
        vectors::add(runtime.target, static_cast<const float*>(parts[i]) + first, sum,
                     last - first);
    });
  each([&](int64_t first, int64_t last) {
    Scratch::Piece piece = runtime.of_part->take();
    float *sum = piece.cut(add_at_once), *next = piece.cut(add_at_once);
    for (int64_t at = first; at < last; at += add_at_once) {
      const int64_t some = std::min(add_at_once, last - at);
      const auto half = [&](void* memory) { return static_cast<uint16_t*>(memory) + at; };
      vectors::to_f32(runtime.target, desc.type, half(parts[0]), sum, some);
      for (size_t i = 1; i < parts.size(); ++i) {
        vectors::to_f32(runtime.target, desc.type, half(parts[i]), next, some);
        vectors::add(runtime.target, next, sum, some);
      }
      vectors::from_f32(runtime.target, desc.type, sum, half(total), some);
    }
  });
}

void copy(const Runtime& runtime, const TensorDesc& desc, const void* from, void* to) {
  each_range(runtime, static_cast<int64_t>(desc.bytes()), 1 << 16,
             [&](int64_t first, int64_t last) {
               std::memcpy(static_cast<char*>(to) + first, static_cast<const char*>(from) + first,
                           static_cast<size_t>(last - first));
             });
}

class SplitKernel final : public Kernel {
 public:
  SplitKernel(size_t ways, const Context& context) : runtime_(context.runtime) {
    spec_.alias = true;
    spec_.implementation = "alias";
    spec_.inputs = {context.in()};
    spec_.outputs.assign(ways, context.in());
    add_gradients(spec_, context.request);
  }
  void bind(const Binding& binding) override { binding_ = binding; }
  void forward() override {}
  void backward() override {
    if (void* grad = binding_.input_grads[0])
      add_all(*runtime_, spec_.inputs[0], binding_.output_grads, grad);
  }

 private:
  const std::shared_ptr<const Runtime> runtime_;
  Binding binding_;
};

// As the first input is laid out.
class AddKernel final : public Kernel {
 public:
  explicit AddKernel(const Context& context) : runtime_(context.runtime) {
    spec_.implementation = runtime_->vectors_name();
    spec_.inputs.assign(context.request.inputs.size(), context.in());
    spec_.outputs = {context.in()};
    runtime_->of_part->announce({add_at_once, add_at_once});
    add_gradients(spec_, context.request);
  }
  void bind(const Binding& binding) override { binding_ = binding; }
  void forward() override {
    add_all(*runtime_, spec_.outputs[0], binding_.inputs, binding_.outputs[0]);
  }
  void backward() override {
    for (void* grad : binding_.input_grads)
      if (grad) copy(*runtime_, spec_.outputs[0], binding_.output_grads[0], grad);
  }

 private:
  const std::shared_ptr<const Runtime> runtime_;
  Binding binding_;
};

class ReorderKernel final : public Kernel {
 public:
  ReorderKernel(std::shared_ptr<const Runtime> runtime, const TensorDesc& from,
                const TensorDesc& to)
      : runtime_(std::move(runtime)) {
    spec_.implementation = "reorder";
    spec_.inputs = {from};
    spec_.outputs = {to};
  }
  void bind(const Binding& binding) override { binding_ = binding; }
  void forward() override {
    reorder(*runtime_, md_of(spec_.inputs[0]), binding_.inputs[0], md_of(spec_.outputs[0]),
            binding_.outputs[0]);
  }
  void backward() override {}

 private:
  const std::shared_ptr<const Runtime> runtime_;
  Binding binding_;
};

std::unique_ptr<Kernel> stage_or_plain(const Op& op, const Context& context) {
  if (auto kernel = stage_kernel(op, context)) return kernel;
  return plain_kernel(op, context);
}

}  // namespace

std::unique_ptr<Kernel> plain_kernel(const Op& op, const Context& context) {
  CompileRequest request = context.request;
  request.types = {};
  for (TensorDesc& input : request.inputs)
    if (input.type != DataType::i32) input.type = DataType::f32;
  return reference_kernel(op, request);
}

Shape Context::out_shape(const Op& op, size_t i) const {
  std::vector<Shape> inputs;
  for (const TensorDesc& desc : request.inputs) inputs.push_back(desc.shape);
  return output_shapes(op, inputs).at(i);
}

std::unique_ptr<Kernel> make_reorder(const std::shared_ptr<const Runtime>& runtime,
                                     const TensorDesc& from, const TensorDesc& to) {
  return std::make_unique<ReorderKernel>(runtime, from, to);
}

std::unique_ptr<Kernel> make(const Split& op, const Context& context) {
  return std::make_unique<SplitKernel>(static_cast<size_t>(op.ways), context);
}
std::unique_ptr<Kernel> make(const Copy&, const Context& context) {
  return make(Split{1}, context);
}
std::unique_ptr<Kernel> make(const Add&, const Context& context) {
  return std::make_unique<AddKernel>(context);
}
std::unique_ptr<Kernel> make(const Concat& op, const Context& context) {
  if (op.images) return plain_kernel(op, context);
  return std::make_unique<ConcatKernel>(op, context);
}

std::unique_ptr<Kernel> make(const Conv& op, const Context& context) {
  return stage_kernel(op, context);
}
std::unique_ptr<Kernel> make(const MaxPool& op, const Context& context) {
  return stage_or_plain(op, context);
}
std::unique_ptr<Kernel> make(const AvgPool& op, const Context& context) {
  return stage_or_plain(op, context);
}
std::unique_ptr<Kernel> make(const AdaptiveAvgPool& op, const Context& context) {
  const Shape& in = context.in().shape;
  if (in[2] == op.out_h && in[3] == op.out_w) return make(Split{1}, context);
  return stage_or_plain(op, context);
}
std::unique_ptr<Kernel> make(const Lrn& op, const Context& context) {
  return stage_or_plain(op, context);
}
std::unique_ptr<Kernel> make(const Relu& op, const Context& context) {
  return stage_or_plain(op, context);
}
std::unique_ptr<Kernel> make(const Tanh& op, const Context& context) {
  return stage_or_plain(op, context);
}

std::unique_ptr<Kernel> make(const BatchSlice& op, const Context& context) {
  return plain_kernel(op, context);
}
std::unique_ptr<Kernel> make(const Flatten& op, const Context& context) {
  return plain_kernel(op, context);
}
std::unique_ptr<Kernel> make(const SoftmaxLoss& op, const Context& context) {
  return plain_kernel(op, context);
}

}  // namespace alx::onednn
