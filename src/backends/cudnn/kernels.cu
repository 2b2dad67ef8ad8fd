// The bodies of kernels.h and kernels_layers.h as kernels of a GPU, by the names that load.cpp asks for.
#include "backends/cudnn/kernels_layers.h"

namespace {
template <class Work>
__device__ void each(const Work& work) {
  for (size_t i = blockIdx.x * size_t{blockDim.x} + threadIdx.x; i < work.count; i += size_t{gridDim.x} * blockDim.x)
    work.run(i);
}
}  // namespace

using namespace alx::cudnn;

extern "C" {
__global__ void alexnet_fill(Fill work) { each(work); }
__global__ void alexnet_convert(Convert work) { each(work); }
__global__ void alexnet_bias_activation(BiasActivation work) { each(work); }
__global__ void alexnet_dropout(DropoutMask work) { each(work); }
__global__ void alexnet_sum(Sum work) { each(work); }
__global__ void alexnet_sgd(Sgd work) { each(work); }
__global__ void alexnet_window(Window work) { each(work); }
__global__ void alexnet_average(Average work) { each(work); }
__global__ void alexnet_average_grad(AverageGrad work) { each(work); }
__global__ void alexnet_lrn_scale(LrnScale work) { each(work); }
__global__ void alexnet_lrn_forward(LrnForward work) { each(work); }
__global__ void alexnet_lrn_backward(LrnBackward work) { each(work); }
__global__ void alexnet_exponential(Exponential work) { each(work); }
__global__ void alexnet_loss(Loss work) { each(work); }
__global__ void alexnet_loss_grad(LossGrad work) { each(work); }
__global__ void alexnet_finite(Finite work) { each(work); }
__global__ void alexnet_set_step(SetStep work) { each(work); }
}
