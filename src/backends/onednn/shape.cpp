// Ops that move elements without changing them, and their sum.
#include "backends/onednn/kernels.h"

namespace alx::onednn {
namespace {

// total = the sum of the parts, in their order. All are laid out alike.
void add_sum(Chain& chain, const Context& context, const Md& md,
             const std::vector<Chain::Operand>& parts, Chain::Operand total) {
  if (parts.size() == 1) return chain.reorder(parts[0], total);
  const dnnl::sum::primitive_desc descriptor(context.runtime->engine, md,
                                             std::vector<float>(parts.size(), 1.f),
                                             std::vector<Md>(parts.size(), md), user_scratchpad());
  std::vector<std::pair<int, Chain::Operand>> arguments{{DNNL_ARG_DST, total}};
  for (size_t i = 0; i < parts.size(); ++i)
    arguments.emplace_back(DNNL_ARG_MULTIPLE_SRC + static_cast<int>(i), parts[i]);
  chain.add(descriptor, dnnl::sum(descriptor), arguments);
}

std::vector<Chain::Operand> operands(Chain& chain, Role role, size_t count, const Md& md) {
  std::vector<Chain::Operand> all;
  for (size_t i = 0; i < count; ++i) all.push_back(chain.external(role, i, md));
  return all;
}

}  // namespace

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
  add_gradients(spec, context.request);
  if (context.wants_grad(0)) {
    Chain& back = kernel->backward_chain;
    add_sum(back, context, md, operands(back, Role::output_grad, ways, md),
            back.external(Role::input_grad, 0, md));
  }
  kernel->measure();
  return kernel;
}

// As the first input is laid out.
std::unique_ptr<Kernel> make(const Add&, const Context& context) {
  const TensorDesc& in = context.in();
  const size_t count = context.request.inputs.size();
  const Md md = md_of(in);
  auto kernel = context.kernel();
  KernelSpec& spec = kernel->spec();
  spec.inputs.assign(count, in);
  spec.outputs = {in};
  add_gradients(spec, context.request);
  Chain& chain = kernel->forward_chain;
  add_sum(chain, context, md, operands(chain, Role::input, count, md),
          chain.external(Role::output, 0, md));
  for (size_t i = 0; i < count; ++i)
    if (context.wants_grad(i)) {
      Chain& back = kernel->backward_chain;
      back.reorder(back.external(Role::output_grad, 0, md), back.external(Role::input_grad, i, md));
    }
  kernel->measure();
  return kernel;
}

std::unique_ptr<Kernel> make(const Copy&, const Context& context) {
  return make(Split{1}, context);
}

std::unique_ptr<Kernel> make_reorder(const std::shared_ptr<const Runtime>& runtime,
                                     const TensorDesc& from, const TensorDesc& to) {
  auto kernel = std::make_unique<ChainKernel>(runtime);
  Chain& chain = kernel->forward_chain;
  chain.reorder(chain.external(Role::input, 0, md_of(from)),
                chain.external(Role::output, 0, md_of(to)));
  kernel->spec().inputs = {from};
  kernel->spec().outputs = {to};
  kernel->measure();
  return kernel;
}

std::unique_ptr<Kernel> make(const BatchSlice& op, const Context& context) {
  return plain_kernel(op, context);
}
std::unique_ptr<Kernel> make(const Flatten& op, const Context& context) {
  return plain_kernel(op, context);
}
std::unique_ptr<Kernel> make(const Dropout& op, const Context& context) {
  return plain_kernel(op, context);
}
std::unique_ptr<Kernel> make(const Softmax& op, const Context& context) {
  return plain_kernel(op, context);
}
std::unique_ptr<Kernel> make(const SoftmaxLoss& op, const Context& context) {
  return plain_kernel(op, context);
}

}  // namespace alx::onednn
