#include "backends/onednn/kernels.h"

namespace alx::onednn {
namespace {

// All inputs and the output in one layout: the first input's where every input fills whole blocks,
// else channels last.
Tag common_tag(const Context& context) {
  if (context.in().shape.size() == 2) return Tag::nc;
  const Tag tag = tag_of(md_of(context.in()));
  const int64_t block = tag == Tag::nChw16c ? 16 : tag == Tag::nChw8c ? 8 : 1;
  for (const TensorDesc& desc : context.request.inputs)
    if (desc.shape[1] % block != 0) return Tag::nhwc;
  return tag == Tag::undef ? Tag::nhwc : tag;
}

}  // namespace

std::unique_ptr<Kernel> make(const Concat& op, const Context& context) {
  if (op.images) return plain_kernel(op, context);
  const Tag tag = common_tag(context);
  const DataType type = context.in().type;
  const Shape out_shape = context.out_shape(op);
  const Md out = with_tag(out_shape, type, tag);
  std::vector<Md> inputs;
  for (const TensorDesc& desc : context.request.inputs)
    inputs.push_back(with_tag(desc.shape, type, tag));

  const dnnl::concat::primitive_desc descriptor(context.runtime->engine, out, 1, inputs,
                                                user_scratchpad());
  auto kernel = context.kernel();
  KernelSpec& spec = kernel->spec();
  spec.outputs = {desc_of(out, out_shape)};
  Chain& chain = kernel->forward_chain;
  std::vector<std::pair<int, Chain::Operand>> arguments{
      {DNNL_ARG_DST, chain.external(Role::output, 0, out)}};
  for (size_t i = 0; i < inputs.size(); ++i) {
    spec.inputs.push_back(desc_of(inputs[i], context.in(i).shape));
    arguments.emplace_back(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i),
                           chain.external(Role::input, i, inputs[i]));
  }
  chain.add(descriptor, dnnl::concat(descriptor), arguments);

  add_gradients(spec, context.request);
  Shape offset(out_shape.size(), 0);
  for (size_t i = 0; context.training() && i < inputs.size(); ++i) {
    if (context.wants_grad(i)) {
      Chain& back = kernel->backward_chain;
      back.reorder(
          back.external(Role::output_grad, 0, out.submemory_desc(context.in(i).shape, offset)),
          back.external(Role::input_grad, i, inputs[i]));
    }
    offset[1] += context.in(i).shape[1];
  }
  kernel->measure();
  return kernel;
}

}  // namespace alx::onednn
