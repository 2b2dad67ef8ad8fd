// Fully connected layers of 16 bits by oneDNN, in parts of the outputs, each with its own weights.
// Those of f32 are in linear_f32.cpp.
#include "backends/onednn/activation.h"
#include "backends/onednn/linear_f32.h"
#include "backends/onednn/parts_layout.h"
#include "backends/onednn/primitive.h"
#include "core/error.h"

namespace alx::onednn {
namespace {

using Forward = dnnl::inner_product_forward;

int64_t parts_of(int64_t out) {
  for (const int64_t parts : {32, 16, 8, 4, 2})
    if (out % (parts * 64) == 0 && out / parts >= 128) return parts;
  return 1;
}

class LinearKernel final : public Kernel {
 public:
  LinearKernel(const Linear& op, const Context& context)
      : runtime_(context.runtime),
        images_(context.in().shape[0]),
        parts_(parts_of(op.out)),
        outputs_(op.out / parts_) {
    const TensorDesc& in = context.in();
    const DataType type = context.request.types.activations;
    const bool last = is_channels_last(in);
    spec_.inputs = {last ? in : TensorDesc{in.shape, type, nullptr}};
    spec_.outputs = {{{images_, op.out}, type, nullptr}};
    Shape weight = in.shape;
    weight[0] = outputs_;
    const auto descriptor = describe(op, context, weight);
    forward_ = {descriptor,
                Forward(descriptor),
                {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST}};
    spec_.implementation = forward_.name();
    spec_.params = {{{op.out, element_count(in.shape) / images_},
                     context.request.types.weights,
                     std::make_shared<PartsLayout>(*runtime_, parts_, dense(weight, DataType::f32),
                                                   forward_.md(1))},
                    {{op.out}, DataType::f32, nullptr}};
    runtime_->of_part->announce(
        {forward_.scratch(), floats_for(part_row() * static_cast<size_t>(images_))});
  }

  void bind(const Binding& binding) override { binding_ = binding; }
  void forward() override {
    (*runtime_->loop)(parts_, [&](int64_t i) {
      const auto part = static_cast<size_t>(i);
      Scratch::Piece piece = runtime_->of_part->take();
      float* scratch = piece.cut(forward_.scratch());
      const auto* made = reinterpret_cast<const char*>(piece.cut(0));
      forward_.run(*runtime_, scratch,
                   {binding_.inputs[0],
                    static_cast<const char*>(binding_.params[0]) + part * forward_.md(1).get_size(),
                    static_cast<const float*>(binding_.params[1]) + i * outputs_, made});
      auto* out = static_cast<char*>(binding_.outputs[0]) + part * part_row();
      for (size_t image = 0; image < static_cast<size_t>(images_); ++image)
        std::copy_n(made + image * part_row(), part_row(),
                    out + image * part_row() * static_cast<size_t>(parts_));
    });
  }
  void backward() override {}

 private:
  size_t part_row() const { return static_cast<size_t>(outputs_) * size_of(spec_.outputs[0].type); }

  Forward::primitive_desc describe(const Linear& op, const Context& context,
                                   const Shape& weight) const {
    const DataType type = context.request.types.activations;
    const Forward::primitive_desc descriptor(
        runtime_->engine, dnnl::prop_kind::forward_inference, md_of(spec_.inputs[0]),
        with_tag(weight, type, Tag::any), with_tag({outputs_}, DataType::f32, Tag::x),
        dense({images_, outputs_}, type), attributes_with(op.activation), /*allow_empty=*/true);
    check(static_cast<bool>(descriptor), Code::unsupported, context.request.name,
          ": oneDNN has no ", name_of(type),
          " fully connected layer for this processor; use --precision fp32");
    return descriptor;
  }

  const std::shared_ptr<const Runtime> runtime_;
  const int64_t images_, parts_, outputs_;  // outputs of a part
  Primitive forward_;
  Binding binding_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Linear& op, const Context& context) {
  if (auto own = make_linear_f32(op, context)) return own;
  return std::make_unique<LinearKernel>(op, context);
}

}  // namespace alx::onednn
