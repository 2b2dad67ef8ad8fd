// Convolution. Weights stay in the layout that the forward pass chose; the other passes reorder
// where they must.

#include "backends/onednn/kernels.h"
#include "backends/onednn/winograd.h"
#include "core/error.h"

namespace alx::onednn {
namespace {

using dnnl::algorithm;
using dnnl::prop_kind;
using Forward = dnnl::convolution_forward::primitive_desc;
using BackwardData = dnnl::convolution_backward_data::primitive_desc;
using BackwardWeights = dnnl::convolution_backward_weights::primitive_desc;

struct Geometry {
  Shape in, out, weight;  // weight: five dimensions where there are groups
  dnnl::memory::dims stride, before, after;
  DataType type;

  Md any(const Shape& shape) const { return with_tag(shape, type, Tag::any); }
  Md bias() const { return with_tag({out[1]}, DataType::f32, Tag::x); }
};

Geometry geometry_of(const Conv& op, const Context& context) {
  const Shape in = context.in().shape, out = context.out_shape(op);
  const int64_t g = op.groups;
  const Shape weight = g == 1 ? Shape{op.out, in[1], op.kernel, op.kernel}
                              : Shape{g, op.out / g, in[1] / g, op.kernel, op.kernel};
  // What floor rounding leaves over at the bottom and right edge is cut, which oneDNN does by
  // itself.
  return {in,
          out,
          weight,
          {op.stride, op.stride},
          {op.pad.top, op.pad.left},
          {op.pad.bottom, op.pad.right},
          context.request.types.activations};
}

// The layouts to try, best first. With two or three dense channels some processors read the picture
// as it is.
struct Pair {
  Md source, target;
};
std::vector<Pair> candidates(const Geometry& g, const Context& context) {
  std::vector<Pair> pairs;
  const auto tagged = [&](Tag tag) {
    return Pair{with_tag(g.in, g.type, tag), with_tag(g.out, g.type, tag)};
  };
  if (!context.in().layout && g.in[1] <= 4) pairs.push_back({dense(g.in, g.type), g.any(g.out)});
  if (context.training())
    for (Tag tag : {Tag::nChw16c, Tag::nChw8c}) pairs.push_back(tagged(tag));
  pairs.push_back({g.any(g.in), g.any(g.out)});
  pairs.push_back(tagged(Tag::nhwc));
  return pairs;
}

// 3: direct or batch-reduce kernels; 2: gemm that leaves channels last, so that pooling stays fast;
// 1: gemm; 0: loops.
int rank(const Forward& forward) {
  const std::string name = forward.impl_info_str();
  if (is_slow(name)) return 0;
  if (!is_gemm(name)) return 3;
  return tag_of(forward.dst_desc()) == Tag::nhwc ? 2 : 1;
}

Forward choose_forward(const Conv& op, const Geometry& g, const Context& context) {
  dnnl::primitive_attr attributes = user_scratchpad();
  append_activation(attributes, op.activation);
  Forward best;
  for (const Pair& pair : candidates(g, context)) {
    const Forward forward(
        context.runtime->engine,
        context.training() ? prop_kind::forward_training : prop_kind::forward_inference,
        algorithm::convolution_direct, pair.source, g.any(g.weight), g.bias(), pair.target,
        g.stride, g.before, g.after, attributes, /*allow_empty=*/true);
    if (forward && (!best || rank(forward) > rank(best))) best = forward;
  }
  check(static_cast<bool>(best), Code::unsupported, context.request.name, ": oneDNN has no ",
        name_of(g.type), " convolution for this processor; use --precision fp32");
  return best;
}

void add_backward_data(ChainKernel& kernel, const Forward& forward, const Geometry& g,
                       const Context& context, Chain::Operand weight, Chain::Operand grad) {
  Chain& chain = kernel.backward_chain;
  const auto descriptor = first_fast({forward.dst_desc(), g.any(g.out)}, [&](const Md& grad_md) {
    return BackwardData(context.runtime->engine, algorithm::convolution_direct, g.any(g.in),
                        g.any(g.weight), grad_md, g.stride, g.before, g.after, forward,
                        user_scratchpad(), true);
  });
  kernel.spec().input_grads = {desc_of(descriptor.diff_src_desc(), g.in)};
  const auto packed = chain.reordered(weight, descriptor.weights_desc());
  const auto source = chain.reordered(grad, descriptor.diff_dst_desc());
  chain.add(descriptor, dnnl::convolution_backward_data(descriptor),
            {{DNNL_ARG_DIFF_DST, source},
             {DNNL_ARG_WEIGHTS, packed},
             {DNNL_ARG_DIFF_SRC, chain.external(Role::input_grad, 0, descriptor.diff_src_desc())}});
}

void add_backward_weights(ChainKernel& kernel, const Forward& forward, const Geometry& g,
                          const Context& context, Chain::Operand grad) {
  Chain& chain = kernel.backward_chain;
  const auto descriptor = first_fast({forward.src_desc(), g.any(g.in)}, [&](const Md& source) {
    return BackwardWeights(context.runtime->engine, algorithm::convolution_direct, source,
                           g.any(g.weight), g.bias(), g.any(g.out), g.stride, g.before, g.after,
                           forward, user_scratchpad(), true);
  });
  const auto source =
      chain.reordered(chain.external(Role::input, 0, forward.src_desc()), descriptor.src_desc());
  const auto output_grad = chain.reordered(grad, descriptor.diff_dst_desc());
  const auto weight_grad = chain.external(Role::param_grad, 0, forward.weights_desc());
  const auto made = chain.target(weight_grad, descriptor.diff_weights_desc());
  chain.add(descriptor, dnnl::convolution_backward_weights(descriptor),
            {{DNNL_ARG_SRC, source},
             {DNNL_ARG_DIFF_DST, output_grad},
             {DNNL_ARG_DIFF_WEIGHTS, made},
             {DNNL_ARG_DIFF_BIAS, chain.external(Role::param_grad, 1, g.bias())}});
  chain.reorder(made, weight_grad);
}

}  // namespace

std::unique_ptr<Kernel> make(const Conv& op, const Context& context) {
  if (auto winograd = make_winograd(op, context)) return winograd;
  const Geometry g = geometry_of(op, context);
  const Forward forward = choose_forward(op, g, context);
  auto kernel = context.kernel();
  add_weighted_forward<dnnl::convolution_forward>(
      *kernel, forward, context, g.out, {op.out, g.in[1] / op.groups, op.kernel, op.kernel});
  if (context.training()) {
    const auto grad = grad_before_activation(*kernel, op.activation, forward.dst_desc(), context);
    add_backward_weights(*kernel, forward, g, context, grad);
    if (context.wants_grad(0)) {
      const auto weight = kernel->backward_chain.external(Role::param, 0, forward.weights_desc());
      add_backward_data(*kernel, forward, g, context, weight, grad);
    }
  }
  kernel->measure();
  return kernel;
}

}  // namespace alx::onednn
