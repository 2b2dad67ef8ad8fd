// One make() for each op: an op without one does not compile.
#pragma once
#include <memory>

#include "backends/dense_spec.h"
#include "backends/onednn/layout.h"
#include "backends/onednn/runtime.h"

namespace alx::onednn {

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
};

#define ALX_MAKE(Name) std::unique_ptr<Kernel> make(const Name& op, const Context& context);
ALX_OPS(ALX_MAKE)
#undef ALX_MAKE
std::unique_ptr<Kernel> make_reorder(const std::shared_ptr<const Runtime>& runtime,
                                     const TensorDesc& from, const TensorDesc& to);

Peak measure_peak(const Runtime& runtime);

// Small or rare ops run on plain loops over dense f32, whatever the precision around them.
std::unique_ptr<Kernel> plain_kernel(const Op& op, const Context& context);

}  // namespace alx::onednn
