// What a kernel of dense tensors wants and gives.
#pragma once
#include "backends/backend.h"

namespace alx {

// The tensors of this op, all dense: `values` is the type of what flows, `params` that of parameters and their
// gradients. In training every output has a gradient, and every input that was asked for.
KernelSpec dense_spec(const Op& op, const CompileRequest& request, DataType values, DataType params);

}  // namespace alx
