// Local response normalisation. oneDNN divides its alpha by the window's count (across: size;
// within: size^2, whatever its documentation says: tests/ops_test.cpp holds it to that), so alpha
// is rescaled to give a of graph/ops.h. Windows of even size lie differently there, and size 1
// crashes the code generator of 3.2: those run on plain loops.
#include "backends/onednn/kernels.h"

namespace alx::onednn {
namespace {

using dnnl::algorithm;
using dnnl::prop_kind;
using Forward = dnnl::lrn_forward::primitive_desc;
using Backward = dnnl::lrn_backward::primitive_desc;

Passes<Forward, Backward> choose(const Lrn& op, const Context& context) {
  const TensorDesc& in = context.in();
  const dnnl::engine& engine = context.runtime->engine;
  const bool across = op.region == Lrn::Region::across;
  const auto kind = across ? algorithm::lrn_across_channels : algorithm::lrn_within_channel;
  const float alpha =
      op.effective_alpha() * static_cast<float>(across ? op.size : op.size * op.size);
  const auto phase =
      context.training() ? prop_kind::forward_training : prop_kind::forward_inference;
  return choose_layout<Forward, Backward>(
      context,
      [&](Tag tag) {
        const Md md = with_tag(in.shape, in.type, tag);
        return Forward(engine, phase, kind, md, md, op.size, alpha, op.beta, op.k,
                       user_scratchpad(), true);
      },
      [&](Tag tag, const Forward& forward) {
        const Md md = with_tag(in.shape, in.type, tag);
        return Backward(engine, kind, md, md, md, op.size, alpha, op.beta, op.k, forward,
                        user_scratchpad(), true);
      });
}

}  // namespace

std::unique_ptr<Kernel> make(const Lrn& op, const Context& context) {
  if (op.size % 2 == 0 || op.size == 1) return plain_kernel(op, context);
  const auto choice = choose(op, context);
  const Md md = choice.forward.src_desc(), saved = choice.forward.workspace_desc();
  auto kernel = context.kernel();
  KernelSpec& spec = kernel->spec();
  spec.implementation = choice.forward.impl_info_str();
  spec.inputs = spec.outputs = {desc_of(md, context.in().shape)};
  spec.state = saved.get_size();
  Chain& chain = kernel->forward_chain;
  std::vector<std::pair<int, Chain::Operand>> arguments{
      {DNNL_ARG_SRC, chain.external(Role::input, 0, md)},
      {DNNL_ARG_DST, chain.external(Role::output, 0, md)}};
  if (spec.state) arguments.emplace_back(DNNL_ARG_WORKSPACE, chain.external(Role::state, 0, saved));
  chain.add(choice.forward, dnnl::lrn_forward(choice.forward), arguments);
  add_gradients(spec, context.request);
  if (context.wants_grad(0)) {
    spec.backward_reads_inputs = true;
    Chain& back = kernel->backward_chain;
    arguments = {{DNNL_ARG_SRC, back.external(Role::input, 0, md)},
                 {DNNL_ARG_DIFF_DST, back.external(Role::output_grad, 0, md)},
                 {DNNL_ARG_DIFF_SRC, back.external(Role::input_grad, 0, md)}};
    if (spec.state)
      arguments.emplace_back(DNNL_ARG_WORKSPACE, back.external(Role::state, 0, saved));
    back.add(choice.backward, dnnl::lrn_backward(choice.backward), arguments);
  }
  kernel->measure();
  return kernel;
}

}  // namespace alx::onednn
