#include "backends/onednn/kernels.h"
#include "core/error.h"

namespace alx::onednn {
namespace {

using dnnl::algorithm;
using dnnl::prop_kind;

// The backward forms that need the output alone, so that forward may run in place.
algorithm forward_algorithm(Activation activation) {
  return activation == Activation::tanh ? algorithm::eltwise_tanh_use_dst_for_bwd
                                        : algorithm::eltwise_relu_use_dst_for_bwd;
}

void add_activation_backward(ChainKernel& kernel, Activation activation, const Md& output,
                             const Context& context, Chain::Operand grad, Chain::Operand made) {
  Chain& chain = kernel.backward_chain;
  kernel.spec().backward_reads_outputs = true;
  const dnnl::engine& engine = context.runtime->engine;
  const auto kind = forward_algorithm(activation);
  const dnnl::eltwise_forward::primitive_desc forward(engine, prop_kind::forward_training, kind,
                                                      output, output, 0.f, 0.f);
  const dnnl::eltwise_backward::primitive_desc backward(engine, kind, output, output, output, 0.f,
                                                        0.f, forward, user_scratchpad());
  chain.add(backward, dnnl::eltwise_backward(backward),
            {{DNNL_ARG_DST, chain.external(Role::output, 0, output)},
             {DNNL_ARG_DIFF_DST, grad},
             {DNNL_ARG_DIFF_SRC, made}});
}

std::unique_ptr<Kernel> make_activation(Activation activation, const Context& context) {
  auto kernel = context.kernel();
  KernelSpec& spec = kernel->spec();
  spec.inputs = spec.outputs = {context.in()};
  spec.in_place = true;
  const Md md = md_of(context.in());
  const dnnl::eltwise_forward::primitive_desc forward(
      context.runtime->engine, prop_kind::forward_training, forward_algorithm(activation), md, md,
      0.f, 0.f, user_scratchpad());
  Chain& chain = kernel->forward_chain;
  chain.add(forward, dnnl::eltwise_forward(forward),
            {{DNNL_ARG_SRC, chain.external(Role::input, 0, md)},
             {DNNL_ARG_DST, chain.external(Role::output, 0, md)}});
  add_gradients(spec, context.request);
  spec.grad_in_place = true;
  if (context.wants_grad(0))
    add_activation_backward(*kernel, activation, md, context,
                            kernel->backward_chain.external(Role::output_grad, 0, md),
                            kernel->backward_chain.external(Role::input_grad, 0, md));
  kernel->measure();
  return kernel;
}

}  // namespace

void append_activation(dnnl::primitive_attr& attributes, Activation activation) {
  if (activation == Activation::none) return;
  dnnl::post_ops post;
  post.append_eltwise(
      activation == Activation::relu ? algorithm::eltwise_relu : algorithm::eltwise_tanh, 0.f, 0.f);
  attributes.set_post_ops(post);
}

Chain::Operand grad_before_activation(ChainKernel& kernel, Activation activation, const Md& output,
                                      const Context& context) {
  const auto grad = kernel.backward_chain.external(Role::output_grad, 0, output);
  if (activation != Activation::none)
    add_activation_backward(kernel, activation, output, context, grad, grad);
  return grad;
}

std::unique_ptr<Kernel> make(const Relu&, const Context& context) {
  return make_activation(Activation::relu, context);
}
std::unique_ptr<Kernel> make(const Tanh&, const Context& context) {
  return make_activation(Activation::tanh, context);
}

}  // namespace alx::onednn
