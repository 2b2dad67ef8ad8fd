// One make() for each op: an op without one does not compile.
#pragma once
#include "backends/onednn/chain.h"

namespace alx::onednn {

std::unique_ptr<Kernel> make(const Conv& op, const Context& context);
std::unique_ptr<Kernel> make(const Linear& op, const Context& context);
std::unique_ptr<Kernel> make(const Relu& op, const Context& context);
std::unique_ptr<Kernel> make(const Tanh& op, const Context& context);
std::unique_ptr<Kernel> make(const Lrn& op, const Context& context);
std::unique_ptr<Kernel> make(const MaxPool& op, const Context& context);
std::unique_ptr<Kernel> make(const AvgPool& op, const Context& context);
std::unique_ptr<Kernel> make(const AdaptiveAvgPool& op, const Context& context);
std::unique_ptr<Kernel> make(const Dropout& op, const Context& context);
std::unique_ptr<Kernel> make(const Concat& op, const Context& context);
std::unique_ptr<Kernel> make(const Flatten& op, const Context& context);
std::unique_ptr<Kernel> make(const Softmax& op, const Context& context);
std::unique_ptr<Kernel> make(const SoftmaxLoss& op, const Context& context);
std::unique_ptr<Kernel> make(const Split& op, const Context& context);
std::unique_ptr<Kernel> make(const Copy& op, const Context& context);
std::unique_ptr<Kernel> make_reorder(const std::shared_ptr<const Runtime>& runtime, const TensorDesc& from, const TensorDesc& to);

void update(const SgdUpdate& sgd, int threads);

// An activation fused into the op before it: forward as a post-op, backward from the saved output.
void append_activation(dnnl::primitive_attr& attributes, Activation activation);

// The gradient before a fused activation, laid out as `output`, from the gradient after it and the saved output.
Chain::Operand grad_before_activation(ChainKernel& kernel, Activation activation, const Md& output, const Context& context);

}  // namespace alx::onednn
