// Activations of f32 by all threads, and as oneDNN does them behind another primitive.
#pragma once
#include <oneapi/dnnl/dnnl.hpp>

#include "backends/onednn/runtime.h"
#include "graph/ops.h"

namespace alx::onednn {

// y may be x.
void activate(const Runtime& runtime, Activation activation, const float* x, float* y,
              int64_t count);
// dx from dy and the output y; dx may be dy.
void activation_gradient(const Runtime& runtime, Activation activation, const float* y,
                         const float* dy, float* dx, int64_t count);

// Of a primitive that ends with it and works in memory of ours.
dnnl::primitive_attr attributes_with(Activation activation);

}  // namespace alx::onednn
