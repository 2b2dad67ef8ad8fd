// Fully connected layers of f32 by products of ours. Null where the types are others.
#pragma once
#include "backends/onednn/kernels.h"

namespace alx::onednn {

std::unique_ptr<Kernel> make_linear_f32(const Linear& op, const Context& context);

}  // namespace alx::onednn
