// Local response normalisation: by vectors of ours in f32, since oneDNN's has a compiled backward
// pass with AVX-512 alone; by oneDNN in 16 bits, which only inference has. That divides its alpha
// by the window's count (across: size; within: size^2, whatever its documentation says:
// tests/ops_test.cpp holds it to that), so alpha is rescaled to give a of graph/ops.h. Windows of
// even size lie differently there, and size 1 crashes the code generator of 3.2: those run on plain
// loops.
#include "backends/vectors/lrn.h"

#include "backends/onednn/kernels.h"
#include "backends/onednn/parallel_for.h"
#include "core/text.h"

namespace alx::onednn {
namespace {

std::unique_ptr<Kernel> make_16bit(const Lrn& op, const Context& context) {
  if (op.size % 2 == 0 || op.size == 1) return plain_kernel(op, context);
  const TensorDesc& in = context.in();
  const bool across = op.region == Lrn::Region::across;
  const auto kind =
      across ? dnnl::algorithm::lrn_across_channels : dnnl::algorithm::lrn_within_channel;
  const float alpha =
      op.effective_alpha() * static_cast<float>(across ? op.size : op.size * op.size);
  using Forward = dnnl::lrn_forward::primitive_desc;
  const auto choice = choose_layout<Forward, Forward>(
      context,
      [&](Tag tag) {
        const Md md = with_tag(in.shape, in.type, tag);
        return Forward(context.runtime->engine, dnnl::prop_kind::forward_inference, kind, md, md,
                       op.size, alpha, op.beta, op.k, user_scratchpad(), true);
      },
      [](Tag, const Forward&) { return Forward(); });
  const Md md = choice.forward.src_desc();
  auto kernel = context.kernel();
  KernelSpec& spec = kernel->spec();
  spec.inputs = spec.outputs = {desc_of(md, in.shape)};
  Chain& chain = kernel->forward_chain;
  chain.add(choice.forward, dnnl::lrn_forward(choice.forward),
            {{DNNL_ARG_SRC, chain.external(Role::input, 0, md)},
             {DNNL_ARG_DST, chain.external(Role::output, 0, md)}});
  kernel->measure();
  return kernel;
}

// Adds a pass over `x`, and backward over the gradient `dy`. Each thread has scratch memory of its
// own.
void add_pass(Chain& chain, const Context& context, const Lrn& op, const vectors::Planes& planes,
              const Md& md, bool backward) {
  const int64_t threads = context.runtime->threads;
  const int64_t scratch = vectors::LrnPass{op, planes, backward}.scratch();
  std::vector<Chain::Operand> operands{chain.external(Role::input, 0, md)};
  if (backward) operands.push_back(chain.external(Role::output_grad, 0, md));
  operands.push_back(chain.external(backward ? Role::input_grad : Role::output, 0, md));
  operands.push_back(chain.temporary(dense({threads * scratch}, DataType::f32)));
  const vectors::Target target = vector_target();
  chain.add(operands, [=](void* const* memory) {
    const auto at = [&](size_t i) { return static_cast<float*>(memory[i]); };
    const vectors::LrnPass pass{
        op, planes, backward, at(0), backward ? at(1) : nullptr, at(backward ? 2 : 1)};
    const int64_t parts = pass.parts();
    float* const own = at(backward ? 3 : 2);
    parallel_for(threads, [&](int64_t i) {
      pass.run(target, parts * i / threads, parts * (i + 1) / threads, own + i * scratch);
    });
  });
}

// As the input is laid out; a dense one of many channels comes channels last, where windows lie in
// one place.
Md layout_for(const Lrn& op, const TensorDesc& in) {
  const Tag tag = tag_of(md_of(in));
  if (tag == Tag::nhwc || tag == Tag::nChw8c || tag == Tag::nChw16c) return md_of(in);
  return op.region == Lrn::Region::within ? dense(in.shape, in.type)
                                          : with_tag(in.shape, in.type, Tag::nhwc);
}

int64_t lanes_of(const Md& md, int64_t channels) {
  switch (tag_of(md)) {
    case Tag::nhwc: return channels;
    case Tag::nChw8c: return 8;
    case Tag::nChw16c: return 16;
    default: return 1;
  }
}

}  // namespace

std::unique_ptr<Kernel> make(const Lrn& op, const Context& context) {
  const TensorDesc& in = context.in();
  if (in.type != DataType::f32) return make_16bit(op, context);
  const Md md = layout_for(op, in);
  const Shape& shape = in.shape;
  const vectors::Planes planes{shape[0], shape[1], shape[2], shape[3], lanes_of(md, shape[1])};
  auto kernel = context.kernel();
  KernelSpec& spec = kernel->spec();
  spec.implementation = cat("vectors:", vectors::name_of(vector_target()));
  spec.inputs = spec.outputs = {desc_of(md, shape)};
  spec.in_place = spec.grad_in_place = op.region == Lrn::Region::across;
  add_gradients(spec, context.request);
  add_pass(kernel->forward_chain, context, op, planes, md, false);
  if (context.wants_grad(0)) {
    spec.backward_reads_inputs = true;
    add_pass(kernel->backward_chain, context, op, planes, md, true);
  }
  kernel->measure();
  return kernel;
}

}  // namespace alx::onednn
