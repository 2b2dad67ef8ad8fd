#include "backends/onednn/kernels.h"

namespace alx::onednn {
namespace {

using dnnl::algorithm;
using dnnl::prop_kind;
using Forward = dnnl::pooling_forward::primitive_desc;
using Backward = dnnl::pooling_backward::primitive_desc;

struct Window {
  Shape in, out;
  dnnl::memory::dims kernel, stride, dilation{0, 0}, before, after;
};

// What the windows need at the bottom and right edge: with ceil rounding more than the op's own
// padding.
int64_t needed_after(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t before) {
  return std::max<int64_t>(0, (out - 1) * stride + kernel - in - before);
}

template <class Pool>
Window window_of(const Pool& op, const Shape& in, const Shape& out) {
  return {in,
          out,
          {op.kernel, op.kernel},
          {op.stride, op.stride},
          {0, 0},
          {op.pad.top, op.pad.left},
          {needed_after(in[2], out[2], op.kernel, op.stride, op.pad.top),
           needed_after(in[3], out[3], op.kernel, op.stride, op.pad.left)}};
}

Passes<Forward, Backward> choose(algorithm kind, const Window& w, const Context& context) {
  const DataType type = context.in().type;
  const dnnl::engine& engine = context.runtime->engine;
  const auto phase =
      context.training() ? prop_kind::forward_training : prop_kind::forward_inference;
  return choose_layout<Forward, Backward>(
      context,
      [&](Tag tag) {
        return Forward(engine, phase, kind, with_tag(w.in, type, tag), with_tag(w.out, type, tag),
                       w.stride, w.kernel, w.dilation, w.before, w.after, user_scratchpad(), true);
      },
      [&](Tag tag, const Forward& forward) {
        return Backward(engine, kind, with_tag(w.in, type, tag), with_tag(w.out, type, tag),
                        w.stride, w.kernel, w.dilation, w.before, w.after, forward,
                        user_scratchpad(), true);
      });
}

std::unique_ptr<Kernel> make_pool(algorithm kind, const Window& w, const Context& context) {
  const auto choice = choose(kind, w, context);
  const Md in = choice.forward.src_desc(), out = choice.forward.dst_desc(),
           saved = choice.forward.workspace_desc();
  auto kernel = context.kernel();
  KernelSpec& spec = kernel->spec();
  spec.inputs = {desc_of(in, w.in)};
  spec.outputs = {desc_of(out, w.out)};
  spec.state = saved.get_size();
  Chain& chain = kernel->forward_chain;
  std::vector<std::pair<int, Chain::Operand>> arguments{
      {DNNL_ARG_SRC, chain.external(Role::input, 0, in)},
      {DNNL_ARG_DST, chain.external(Role::output, 0, out)}};
  if (spec.state) arguments.emplace_back(DNNL_ARG_WORKSPACE, chain.external(Role::state, 0, saved));
  chain.add(choice.forward, dnnl::pooling_forward(choice.forward), arguments);
  add_gradients(spec, context.request);
  if (context.wants_grad(0)) {
    Chain& back = kernel->backward_chain;
    arguments = {{DNNL_ARG_DIFF_DST, back.external(Role::output_grad, 0, out)},
                 {DNNL_ARG_DIFF_SRC, back.external(Role::input_grad, 0, in)}};
    if (spec.state)
      arguments.emplace_back(DNNL_ARG_WORKSPACE, back.external(Role::state, 0, saved));
    back.add(choice.backward, dnnl::pooling_backward(choice.backward), arguments);
  }
  kernel->measure();
  return kernel;
}

}  // namespace

std::unique_ptr<Kernel> make(const MaxPool& op, const Context& context) {
  return make_pool(algorithm::pooling_max, window_of(op, context.in().shape, context.out_shape(op)),
                   context);
}

std::unique_ptr<Kernel> make(const AvgPool& op, const Context& context) {
  const Window w = window_of(op, context.in().shape, context.out_shape(op));
  // oneDNN counts all padding or none; counting the op's own but not what hangs over is beyond it.
  const bool overhangs = w.after[0] > op.pad.bottom || w.after[1] > op.pad.right;
  if (op.count_padding && overhangs) return plain_kernel(op, context);
  const auto kind = op.count_padding ? algorithm::pooling_avg_include_padding
                                     : algorithm::pooling_avg_exclude_padding;
  return make_pool(kind, w, context);
}

std::unique_ptr<Kernel> make(const AdaptiveAvgPool& op, const Context& context) {
  const Shape& in = context.in().shape;
  if (in[2] == op.out_h && in[3] == op.out_w) return make(Split{1}, context);
  const int64_t side = in[2] / op.out_h;
  const bool regular = side * op.out_h == in[2] && side * op.out_w == in[3];
  if (regular) return make(AvgPool{.kernel = side, .stride = side, .pad = {}}, context);
  return plain_kernel(op, context);
}

}  // namespace alx::onednn
