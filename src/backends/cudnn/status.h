// What the answers of CUDA's libraries mean.
#pragma once
#include "backends/cudnn/api.h"

namespace alx::cudnn {

// Throw, in words and with what to do: Error(out_of_memory), Error(unsupported) where the call was refused, else
// Error(device). Nothing where the status is success.
void check_status(const Api& api, cudaError_t status, const char* call, int device);
void check_status(const Api& api, cudnnStatus_t status, const char* call, int device);
void check_status(const Api& api, cublasStatus_t status, const char* call, int device);
void check_status(const Api& api, ncclResult_t status, const char* call, int device);

}  // namespace alx::cudnn
