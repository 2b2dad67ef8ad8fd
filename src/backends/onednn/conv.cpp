// Convolution by oneDNN, for types and forms that ours is not made for. Channels last; image by
// image, or, of few images in inference, by parts of the output's channels.
#include "backends/onednn/activation.h"
#include "backends/onednn/parts_layout.h"
#include "backends/onednn/primitive.h"
#include "backends/onednn/stage.h"
#include "core/error.h"

namespace alx::onednn {
namespace {

using dnnl::algorithm;
using dnnl::prop_kind;
using Forward = dnnl::convolution_forward;
using BackwardData = dnnl::convolution_backward_data;
using BackwardWeights = dnnl::convolution_backward_weights;

// So many output channels of so many images. Five dimensions of weights where there are groups.
struct Geometry {
  Md in, out, weight, plain_weight, bias;
  dnnl::memory::dims stride, before, after;
};

Geometry geometry_of(const Conv& op, const StageRequest& request, int64_t images, int64_t channels,
                     bool dense_input) {
  Shape in = request.input.shape, out = output_shapes(op, {in})[0];
  in[0] = out[0] = images, out[1] = channels;
  const DataType type = request.types.activations;
  const int64_t g = op.groups;
  const Shape weight = g == 1 ? Shape{channels, in[1], op.kernel, op.kernel}
                              : Shape{g, channels / g, in[1] / g, op.kernel, op.kernel};
  // What floor rounding leaves over at the bottom and right edge is cut, which oneDNN does by
  // itself.
  return {dense_input ? dense(in, type) : with_tag(in, type, Tag::nhwc),
          with_tag(out, type, Tag::nhwc),
          with_tag(weight, type, Tag::any),
          dense(weight, DataType::f32),
          with_tag({channels}, DataType::f32, Tag::x),
          {op.stride, op.stride},
          {op.pad.top, op.pad.left},
          {op.pad.bottom, op.pad.right}};
}

Forward::primitive_desc forward_of(const Geometry& g, const StageRequest& request,
                                   Activation activation) {
  return {request.runtime.engine,
          request.training ? prop_kind::forward_training : prop_kind::forward_inference,
          algorithm::convolution_direct,
          g.in,
          g.weight,
          g.bias,
          g.out,
          g.stride,
          g.before,
          g.after,
          attributes_with(activation),
          /*allow_empty=*/true};
}

// A picture of few channels is read as it lies where that is no slower.
struct Choice {
  Geometry geometry;
  Forward::primitive_desc forward;
  bool dense_input;
};
Choice choose(const Conv& op, const StageRequest& request, int64_t channels) {
  Choice best{};
  for (const bool dense_input : {true, false}) {
    if (dense_input && (request.input.layout || request.input.shape[1] > 4)) continue;
    const Geometry g = geometry_of(op, request, 1, channels, dense_input);
    const auto forward = forward_of(g, request, op.activation);
    if (!forward || (best.forward && is_slow(forward.impl_info_str()))) continue;
    if (!best.forward || is_slow(best.forward.impl_info_str())) best = {g, forward, dense_input};
  }
  check(static_cast<bool>(best.forward), Code::unsupported, request.name, ": oneDNN has no ",
        name_of(request.types.activations),
        " convolution for this processor; use --precision fp32");
  return best;
}

class ConvStage final : public Stage {
 public:
  ConvStage(const Conv& op, const StageRequest& request)
      : runtime_(request.runtime), activation_(op.activation), parts_(parts_for(op, request)) {
    const Choice choice = choose(op, request, op.out / parts_);
    const Geometry& g = choice.geometry;
    const DataType type = request.types.activations;
    const Shape &in = request.input.shape, out = output_shapes(op, {in})[0];
    input = choice.dense_input ? TensorDesc{in, type, nullptr} : channels_last(in, type);
    output = channels_last(out, type);
    forward_ = {choice.forward,
                Forward(choice.forward),
                {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST}};
    implementation = forward_.name();
    params = {{{op.out, in[1] / op.groups, op.kernel, op.kernel},
               request.types.weights,
               std::make_shared<PartsLayout>(runtime_, parts_, g.plain_weight, forward_.md(1))},
              {{op.out}, DataType::f32, nullptr}};
    channels_ = op.out / parts_;
    scratch = forward_.scratch();
    runtime_.of_part->announce({scratch, floats_for(part_bytes())});
    if (request.training) prepare_training(op, request, choice);
  }

  void bind(const Binding& binding) override { binding_ = binding; }

  void forward(const Images& i, float* memory) const override {
    for (int64_t image = 0; image < i.count; ++image)
      forward_.run(runtime_, memory,
                   {in_of(i, image), binding_.params[0], binding_.params[1], out_of(i, image)});
  }

  void forward_in_parts(const Images& i) const override {
    (*runtime_.loop)(i.count * parts_, [&](int64_t part) {
      const int64_t image = part / parts_;
      Scratch::Piece piece = runtime_.of_part->take();
      float* memory = piece.cut(scratch);
      if (parts_ == 1) return forward({in_of(i, image), out_of(i, image), nullptr, 1}, memory);
      channels(in_of(i, image), out_of(i, image), static_cast<size_t>(part % parts_), memory,
               reinterpret_cast<char*>(piece.cut(0)));
    });
  }

  // Of f32. Sums over images are one thread's.
  void backward(const Gradients& g) override {
    if (activation_ != Activation::none)
      activation_gradient(runtime_, activation_, g.out, g.out_grad, g.out_grad,
                          images() * out_elements());
    if (!binding_.param_grads.empty())
      weight_grad_.run(runtime_, runtime_.of_part->take().cut(0),
                       {g.in, g.out_grad, binding_.param_grads[0], binding_.param_grads[1]});
    if (!g.in_grad) return;
    const void* weight = binding_.params[0];
    if (!(data_grad_.md(1) == forward_.md(1))) {
      reorder(runtime_, forward_.md(1), weight, data_grad_.md(1), binding_.backward_workspace);
      weight = binding_.backward_workspace;
    }
    (*runtime_.loop)(images(), [&](int64_t image) {
      data_grad_.run(
          runtime_, runtime_.of_part->take().cut(0),
          {g.out_grad + image * out_elements(), weight, g.in_grad + image * in_elements()});
    });
  }

 private:
  // Parts of whole vectors, for as few images as leave threads without one.
  static int64_t parts_for(const Conv& op, const StageRequest& request) {
    if (request.training || op.groups > 1 || !request.runtime.cuts_images(request.input.shape[0]))
      return 1;
    for (const int64_t parts : {8, 4, 2})
      if (op.out % (parts * 32) == 0) return parts;
    return 1;
  }

  void prepare_training(const Conv& op, const StageRequest& request, const Choice& choice) {
    const Geometry all = geometry_of(op, request, images(), op.out, choice.dense_input);
    const Geometry& one = choice.geometry;
    const auto hint = forward_of(all, request, Activation::none);
    const BackwardWeights::primitive_desc weights(
        runtime_.engine, algorithm::convolution_direct, all.in, forward_.md(1), all.bias, all.out,
        all.stride, all.before, all.after, hint, user_scratchpad());
    weight_grad_ = {weights,
                    BackwardWeights(weights),
                    {DNNL_ARG_SRC, DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS}};
    runtime_.of_part->announce({weight_grad_.scratch()});
    backward_reads_inputs = true;
    backward_reads_outputs = activation_ != Activation::none;
    if (!request.wants_grad) return;
    const BackwardData::primitive_desc data(runtime_.engine, algorithm::convolution_direct, one.in,
                                            one.weight, one.out, one.stride, one.before, one.after,
                                            choice.forward, user_scratchpad());
    data_grad_ = {
        data, BackwardData(data), {DNNL_ARG_DIFF_DST, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_SRC}};
    runtime_.of_part->announce({data_grad_.scratch()});
    backward_workspace = data_grad_.md(1).get_size();
  }

  const char* in_of(const Images& i, int64_t image) const {
    return static_cast<const char*>(i.in) + static_cast<size_t>(image) * in_bytes();
  }
  char* out_of(const Images& i, int64_t image) const {
    return static_cast<char*>(i.out) + static_cast<size_t>(image) * out_bytes();
  }
  size_t part_bytes() const { return out_bytes() / static_cast<size_t>(parts_); }

  // oneDNN writes no slice of a pixel's channels fast, so a part has its own memory.
  void channels(const char* in, char* out, size_t part, float* memory, char* made) const {
    const char* weight = static_cast<const char*>(binding_.params[0]);
    const float* bias = static_cast<const float*>(binding_.params[1]);
    forward_.run(runtime_, memory,
                 {in, weight + part * forward_.md(1).get_size(),
                  bias + part * static_cast<size_t>(channels_), made});
    const size_t slice = static_cast<size_t>(channels_) * size_of(output.type);
    const size_t pixels = part_bytes() / slice;
    for (size_t pixel = 0; pixel < pixels; ++pixel)
      std::copy_n(made + pixel * slice, slice,
                  out + (pixel * static_cast<size_t>(parts_) + part) * slice);
  }

  const Runtime runtime_;
  const Activation activation_;
  const int64_t parts_;
  int64_t channels_ = 0;  // of a part
  Primitive forward_, data_grad_, weight_grad_;
  Binding binding_;
};

}  // namespace

std::unique_ptr<Stage> make_dnnl_stage(const Conv& op, const StageRequest& request) {
  return std::make_unique<ConvStage>(op, request);
}

}  // namespace alx::onednn
