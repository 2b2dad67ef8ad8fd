// Ops that move elements without changing them.
#include "backends/onednn/kernels.h"

namespace alx::onednn {

std::unique_ptr<Kernel> make(const Split& op, const Context& context) {
  const TensorDesc& in = context.in();
  const auto ways = static_cast<size_t>(op.ways);
  const Md md = md_of(in);
  auto kernel = context.kernel();
  KernelSpec& spec = kernel->spec();
  spec.alias = true;
  spec.implementation = "alias";
  spec.inputs = {in};
  spec.outputs.assign(ways, in);
  if (context.training()) {
    spec.output_grads = spec.outputs;
    spec.input_grads = {context.wants_grad(0) ? in : TensorDesc{}};
  }
  if (context.wants_grad(0) && ways == 1) {
    Chain& back = kernel->backward_chain;
    back.reorder(back.external(Role::output_grad, 0, md), back.external(Role::input_grad, 0, md));
  } else if (context.wants_grad(0)) {  // summed in the order of the outputs
    Chain& back = kernel->backward_chain;
    const dnnl::sum::primitive_desc descriptor(context.runtime->engine, md, std::vector<float>(ways, 1.f),
                                               std::vector<Md>(ways, md), user_scratchpad());
    std::vector<std::pair<int, Chain::Operand>> arguments{{DNNL_ARG_DST, back.external(Role::input_grad, 0, md)}};
    for (size_t i = 0; i < ways; ++i)
      arguments.emplace_back(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), back.external(Role::output_grad, i, md));
    back.add(descriptor, dnnl::sum(descriptor), arguments);
  }
  kernel->measure();
  return kernel;
}

std::unique_ptr<Kernel> make(const Copy&, const Context& context) { return make(Split{1}, context); }

std::unique_ptr<Kernel> make_reorder(const std::shared_ptr<const Runtime>& runtime, const TensorDesc& from,
                                     const TensorDesc& to) {
  auto kernel = std::make_unique<ChainKernel>(runtime);
  Chain& chain = kernel->forward_chain;
  chain.reorder(chain.external(Role::input, 0, md_of(from)), chain.external(Role::output, 0, md_of(to)));
  kernel->spec().inputs = {from};
  kernel->spec().outputs = {to};
  kernel->spec().implementation = "reorder";
  kernel->measure();
  return kernel;
}

std::unique_ptr<Kernel> make(const Rows& op, const Context& context) { return plain_kernel(op, context); }
std::unique_ptr<Kernel> make(const Flatten& op, const Context& context) { return plain_kernel(op, context); }
std::unique_ptr<Kernel> make(const Dropout& op, const Context& context) { return plain_kernel(op, context); }
std::unique_ptr<Kernel> make(const Softmax& op, const Context& context) { return plain_kernel(op, context); }
std::unique_ptr<Kernel> make(const SoftmaxLoss& op, const Context& context) { return plain_kernel(op, context); }

}  // namespace alx::onednn
