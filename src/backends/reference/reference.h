// The plain-loop backend: dense f32 tensors, sums in double, one thread. The oracle for every other
// backend, the template for a new one, and what runs where no library of kernels does.
#pragma once
#include <memory>

#include "backends/host_buffer.h"

namespace alx {

std::vector<Precision> reference_precisions(Phase phase);  // that it takes

std::shared_ptr<Backend> make_reference_backend(std::shared_ptr<HostAllocator> allocator);

// One op of it, for a backend of host memory that has no kernel of its own. Wants dense f32
// (labels: i32).
std::unique_ptr<Kernel> reference_kernel(const Op& op, const CompileRequest& request);

}  // namespace alx
