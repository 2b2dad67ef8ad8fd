// What a kernel wants and gives, where that follows from its op.
#pragma once
#include "backends/backend.h"

namespace alx {

// The tensors of this op, all dense: `values` is the type of what flows, `params` that of
// parameters and their gradients. In training every output has a gradient, and every input that was
// asked for.
KernelSpec dense_spec(const Op& op, const CompileRequest& request, DataType values,
                      DataType params);

// In training: gradients laid out as their tensors, of every output, and of the inputs that need
// one. Else none.
void add_gradients(KernelSpec& spec, const CompileRequest& request);

}  // namespace alx
