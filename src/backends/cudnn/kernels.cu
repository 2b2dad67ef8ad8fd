// The bodies of kernels.h and kernels_layers.h as kernels of a GPU, by the names that load.cpp asks
// for.
#include "backends/cudnn/kernels_layers.h"

namespace {
template <class Work>
__device__ void each(const Work& work) {
  for (size_t i = blockIdx.x * size_t{blockDim.x} + threadIdx.x; i < work.count;
       i += size_t{gridDim.x} * blockDim.x)
    work.run(i);
}
}  // namespace

using namespace alx::cudnn;

extern "C" {
#define KERNEL(name, work) \
  __global__ void alexnet_##name(work arguments) { each(arguments); }
#include "backends/cudnn/kernel_list.inc"
#undef KERNEL
}
