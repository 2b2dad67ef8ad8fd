// One make() for each op: an op without one does not compile.
#pragma once
#include "backends/onednn/chain.h"

namespace alx::onednn {

#define ALX_MAKE(Name) std::unique_ptr<Kernel> make(const Name& op, const Context& context);
ALX_OPS(ALX_MAKE)
#undef ALX_MAKE
std::unique_ptr<Kernel> make_reorder(const std::shared_ptr<const Runtime>& runtime,
                                     const TensorDesc& from, const TensorDesc& to);

void update(const Update& u, const StepContext& step);
Peak measure_peak(const Runtime& runtime);

// The forward pass of a layer with weight and bias: `out` and `weight` are our shapes of what
// oneDNN may see otherwise.
template <class Primitive>
void add_weighted_forward(ChainKernel& kernel, const typename Primitive::primitive_desc& forward,
                          const Context& context, const Shape& out, const Shape& weight) {
  KernelSpec& spec = kernel.spec();
  spec.inputs = {desc_of(forward.src_desc(), context.in().shape)};
  spec.outputs = {desc_of(forward.dst_desc(), out)};
  spec.params = {desc_of(forward.weights_desc(), weight),
                 desc_of(forward.bias_desc(), {weight[0]})};
  spec.backward_reads_inputs = context.training();
  add_gradients(spec, context.request);
  Chain& chain = kernel.forward_chain;
  chain.add(forward, Primitive(forward),
            {{DNNL_ARG_SRC, chain.external(Role::input, 0, forward.src_desc())},
             {DNNL_ARG_WEIGHTS, chain.external(Role::param, 0, forward.weights_desc())},
             {DNNL_ARG_BIAS, chain.external(Role::param, 1, forward.bias_desc())},
             {DNNL_ARG_DST, chain.external(Role::output, 0, forward.dst_desc())}});
}

// A pass that may come in any layout: the first in which neither direction falls to plain loops,
// else the given one.
template <class Forward, class Backward>
struct Passes {
  Forward forward;
  Backward backward;  // training with a gradient only
};
template <class Forward, class Backward, class MakeForward, class MakeBackward>
Passes<Forward, Backward> choose_layout(const Context& context, MakeForward make_forward,
                                        MakeBackward make_backward) {
  const bool grad = context.wants_grad(0);
  Passes<Forward, Backward> first;
  for (Tag tag : layouts_for(context.in())) {
    if (tag == Tag::undef) continue;
    Passes<Forward, Backward> passes{make_forward(tag), {}};
    if (!passes.forward) continue;
    if (grad) passes.backward = make_backward(tag, passes.forward);
    if (!first.forward) first = passes;
    const bool complete = !grad || passes.backward;
    if (complete && !is_slow(passes.forward.impl_info_str()) &&
        !(grad && is_slow(passes.backward.impl_info_str())))
      return passes;
  }
  return first;
}

// An activation fused into the op before it: forward as a post-op, backward from the saved output.
void append_activation(dnnl::primitive_attr& attributes, Activation activation);

// The gradient before a fused activation, laid out as `output`, from the gradient after it and the
// saved output.
Chain::Operand grad_before_activation(ChainKernel& kernel, Activation activation, const Md& output,
                                      const Context& context);

}  // namespace alx::onednn
