// A kernel of this backend is one or two chains of steps over named operands: oneDNN primitives,
// and loops of ours. This file is the only one that executes primitives.
#pragma once
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/backend.h"
#include "backends/dense_spec.h"
#include "backends/onednn/runtime.h"
#include "backends/vectors/target.h"

namespace alx::onednn {

using Md = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;

// A layout known to oneDNN. Dense tensors carry no layout, so that they are equal to everybody's
// dense tensors.
class DnnlLayout : public Layout {
 public:
  explicit DnnlLayout(Md md) : md_(std::move(md)) {}
  bool equals(const Layout& other) const override;
  size_t bytes() const override { return md_.get_size(); }
  std::string name() const override;
  const Md& md() const { return md_; }

 private:
  Md md_;
};

dnnl::memory::data_type dnnl_type(DataType type);
Md dense(const Shape& shape, DataType type);
Md with_tag(const Shape& shape, DataType type, Tag tag);
Md md_of(const TensorDesc& desc);
// shape: ours, where oneDNN's has other dimensions (groups)
TensorDesc desc_of(const Md& md, const Shape& shape);
// nchw, nhwc, nChw8c, nChw16c, nc; else undef
Tag tag_of(const Md& md);
// 4-D: the given layout first, then the others
std::vector<Tag> layouts_for(const TensorDesc& given);

bool has_isa(dnnl::cpu_isa isa);  // and is allowed to use it (ONEDNN_MAX_CPU_ISA)
vectors::Target vector_target();  // for vector code of ours, by the same rule

// Plain loops, or a generic implementation many times slower than the rest: avoided where another
// layout has better.
bool is_slow(const std::string& implementation);
// over a whole copy of the input: slower than the direct kernels
bool is_gemm(const std::string& implementation);

// Descriptors that `make` builds for each of these layouts of one operand: the first that is
// neither slow nor gemm, else the last that exists.
template <class Make>
auto first_fast(std::initializer_list<Md> layouts, Make make) {
  decltype(make(*layouts.begin())) last;
  for (const Md& md : layouts)
    if (auto made = make(md)) {
      last = made;
      if (!is_slow(made.impl_info_str()) && !is_gemm(made.impl_info_str())) break;
    }
  return last;
}

enum class Role { input, output, input_grad, output_grad, param, param_grad, state, temporary };

class Chain {
 public:
  explicit Chain(std::shared_ptr<const Runtime> runtime) : runtime_(std::move(runtime)) {}

  using Operand = size_t;
  Operand external(Role role, size_t index, const Md& md);
  Operand temporary(const Md& md);
  // the same memory, which is large enough, for another use
  Operand view(Operand temporary, const Md& md);
  Operand reordered(Operand from, const Md& to);  // `from` itself where it is laid out so already
  // where to write what reorder() will bring to `to`: itself if it can
  Operand target(Operand to, const Md& made);
  void reorder(Operand from, Operand to);  // nothing where both are one operand

  // `descriptor` is what `primitive` was made from: its scratchpad is added to the arguments.
  void add(const dnnl::primitive_desc_base& descriptor, const dnnl::primitive& primitive,
           const std::vector<std::pair<int, Operand>>& arguments, const char* kind = "");

  // Matrix products, one for each index of the first dimension: c = a b, or c += a b. Of f32.
  void add_product(Operand a, Operand b, Operand c, bool sum);

  // A loop of ours over the operands' addresses, given in this order. It must not throw.
  using Work = std::function<void(void* const* operands)>;
  void add(const std::vector<Operand>& operands, Work work);

  bool empty() const { return steps_.empty(); }
  // The implementations of oneDNN's, each once: "brgemm:avx2, reorder jit:uni".
  std::string primitives() const;
  size_t workspace() const { return temporaries_ + scratchpad_; }
  void bind(const Binding& binding, void* workspace);
  void run() const;  // does not allocate

 private:
  struct Place {
    Role role;
    size_t index;  // in the binding, or the offset of a temporary
    dnnl::memory memory;
  };
  struct Step {
    dnnl::primitive primitive;
    std::vector<std::pair<int, Operand>> arguments;
    dnnl::memory scratchpad;
    std::vector<dnnl_exec_arg_t> list;  // what oneDNN takes, ready
    Work work = nullptr;                // instead of a primitive
    std::vector<void*> addresses = {};
  };
  void run(const Step& step) const;

  std::shared_ptr<const Runtime> runtime_;
  std::vector<Place> places_;
  std::vector<Step> steps_;
  std::vector<std::string> primitives_;
  size_t temporaries_ = 0, scratchpad_ = 0;
};

// A kernel that is nothing but its chains. The make() functions fill in spec and chains, then call
// measure().
class ChainKernel : public Kernel {
 public:
  explicit ChainKernel(std::shared_ptr<const Runtime> runtime)
      : forward_chain(runtime), backward_chain(runtime) {}
  void bind(const Binding& binding) override;
  void forward() override { forward_chain.run(); }
  void backward() override { backward_chain.run(); }
  // Workspace sizes and implementations into the spec: the last thing a make() does.
  void measure();

  Chain forward_chain, backward_chain;
  KernelSpec& spec() { return spec_; }
};

// What every make() gets.
struct Context {
  std::shared_ptr<const Runtime> runtime;
  const CompileRequest& request;
  bool training() const { return request.phase == Phase::training; }
  bool wants_grad(size_t input) const {
    return training() && input < request.input_grads.size() && request.input_grads[input];
  }
  const TensorDesc& in(size_t i = 0) const { return request.inputs[i]; }
  Shape out_shape(const Op& op, size_t i = 0) const;
  std::unique_ptr<ChainKernel> kernel() const { return std::make_unique<ChainKernel>(runtime); }
};

dnnl::primitive_attr user_scratchpad();

// Small or rare ops run on plain loops over dense f32, whatever the precision around them.
std::unique_ptr<Kernel> plain_kernel(const Op& op, const Context& context);

}  // namespace alx::onednn
