// Fully connected layers. A four-dimensional input is read in whatever layout oneDNN likes; the
// weights follow it.
#include "backends/onednn/kernels.h"
#include "core/error.h"

namespace alx::onednn {
namespace {

using dnnl::prop_kind;
using Forward = dnnl::inner_product_forward::primitive_desc;
using BackwardData = dnnl::inner_product_backward_data::primitive_desc;
using BackwardWeights = dnnl::inner_product_backward_weights::primitive_desc;

// Gemm takes the weights as they lie in every pass; the others are asked which layout they like.
Md backward_weights_md(const Forward& forward) {
  const Md weights = forward.weights_desc();
  return is_gemm(forward.impl_info_str())
             ? weights
             : Md(weights.get_dims(), weights.get_data_type(), Tag::any);
}

void add_backward_data(ChainKernel& kernel, const Forward& forward, const Context& context,
                       Chain::Operand grad) {
  Chain& chain = kernel.backward_chain;
  const BackwardData descriptor(context.runtime->engine, forward.src_desc(),
                                backward_weights_md(forward), forward.dst_desc(), forward,
                                user_scratchpad());
  const auto weight = chain.external(Role::param, 0, forward.weights_desc());
  kernel.spec().input_grads = {desc_of(descriptor.diff_src_desc(), context.in().shape)};
  chain.add(descriptor, dnnl::inner_product_backward_data(descriptor),
            {{DNNL_ARG_DIFF_DST, grad},
             {DNNL_ARG_WEIGHTS, chain.reordered(weight, descriptor.weights_desc())},
             {DNNL_ARG_DIFF_SRC, chain.external(Role::input_grad, 0, descriptor.diff_src_desc())}});
}

void add_backward_weights(ChainKernel& kernel, const Forward& forward, const Context& context,
                          Chain::Operand grad) {
  Chain& chain = kernel.backward_chain;
  const Md bias = forward.bias_desc();
  const Md weight = forward.weights_desc();
  const auto descriptor = first_fast({weight, backward_weights_md(forward)}, [&](const Md& made) {
    return BackwardWeights(context.runtime->engine, forward.src_desc(), made, bias,
                           forward.dst_desc(), forward, user_scratchpad(), true);
  });
  const auto weight_grad = chain.external(Role::param_grad, 0, weight);
  const auto made = chain.target(weight_grad, descriptor.diff_weights_desc());
  chain.add(descriptor, dnnl::inner_product_backward_weights(descriptor),
            {{DNNL_ARG_SRC, chain.external(Role::input, 0, forward.src_desc())},
             {DNNL_ARG_DIFF_DST, grad},
             {DNNL_ARG_DIFF_WEIGHTS, made},
             {DNNL_ARG_DIFF_BIAS, chain.external(Role::param_grad, 1, bias)}});
  chain.reorder(made, weight_grad);
}

// The input as it is, channels last, or flattened. Plain gemm halves fc6's time on many images with
// AVX2 (18 ms for 39 at 32), but not with AVX-512 (21 ms for 13), and doubles it on one
// (AVX-512: 6.4 ms for 2.9). Training with AVX2 keeps weights dense: their gradients are gemm's and
// dense, and in another layout each step would turn them.
Forward choose_forward(const Linear& op, const Shape& out, const Context& context) {
  const DataType type = context.request.types.activations;
  const Shape& in = context.in().shape;
  const Shape flat{in[0], element_count(in) / in[0]};
  dnnl::primitive_attr attributes = user_scratchpad();
  append_activation(attributes, op.activation);
  const auto kind = context.training() ? prop_kind::forward_training : prop_kind::forward_inference;
  const bool avx512 = has_isa(dnnl::cpu_isa::avx512_core),
             dense_weights = context.training() && !avx512;
  const bool many = in[0] >= 8 && !context.training() && !avx512;
  std::vector<Md> sources;
  if (in.size() == 4 && !dense_weights)
    sources = {with_tag(in, type, Tag::any), with_tag(in, type, Tag::nhwc)};
  sources.push_back(dense(flat, type));
  Forward best;
  for (const Md& source : sources) {
    Shape weight = source.get_dims();
    weight[0] = op.out;
    const Forward forward(context.runtime->engine, kind, source,
                          dense_weights ? dense(weight, type) : with_tag(weight, type, Tag::any),
                          with_tag({op.out}, DataType::f32, Tag::x), dense(out, type), attributes,
                          /*allow_empty=*/true);
    if (!forward) continue;
    if (!best) best = forward;
    const std::string name = forward.impl_info_str();
    if (!is_slow(name) && (many || !is_gemm(name))) return forward;
  }
  check(static_cast<bool>(best), Code::unsupported, context.request.name, ": oneDNN has no ",
        name_of(type), " fully connected layer for this processor; use --precision fp32");
  return best;
}

}  // namespace

std::unique_ptr<Kernel> make(const Linear& op, const Context& context) {
  const Shape in = context.in().shape, out = context.out_shape(op);
  const Forward forward = choose_forward(op, out, context);
  auto kernel = context.kernel();
  add_weighted_forward<dnnl::inner_product_forward>(*kernel, forward, context, out,
                                                    {op.out, element_count(in) / in[0]});
  if (context.training()) {
    const auto grad = grad_before_activation(*kernel, op.activation, forward.dst_desc(), context);
    add_backward_weights(*kernel, forward, context, grad);
    if (context.wants_grad(0)) add_backward_data(*kernel, forward, context, grad);
  }
  kernel->measure();
  return kernel;
}

}  // namespace alx::onednn
