// Every function of CUDA, cuDNN, cuBLAS and NCCL that this backend calls, in one table: loaded when
// first used, absent where there is no GPU, or a test's simulated machine.
#pragma once
#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <nccl.h>

#include <string>
#include <vector>

#include "backends/cudnn/kernels_layers.h"
#include "backends/device_info.h"

namespace alx::cudnn {

struct Api {
#define ALX_FUNCTION(library, name) decltype(&::name) name = nullptr;
#define ALX_OVERLOADED(library, name, result, ...) result (*name)(__VA_ARGS__) = nullptr;
#include "backends/cudnn/functions.inc"

  // One of our own kernels over `count` elements, `args` being the struct that it takes.
  cudaError_t (*launch)(const Api& api, Function function, const void* args, size_t count,
                        cudaStream_t stream) = nullptr;
};

// "cudaMalloc" of &Api::cudaMalloc, for messages.
template <auto Member>
constexpr const char* call_name = nullptr;
#define ALX_FUNCTION(library, name) \
  template <>                       \
  inline constexpr const char* call_name<&Api::name> = #name;
#include "backends/cudnn/functions.inc"

// The functions of this machine, loaded at the first call. Throws Error(device) with what is
// missing, in words.
const Api& api();
bool has_nccl(const Api& api);

// A stand-in for all of them, or null for the machine's own. Before anything is opened; for tests.
void use_api(const Api* stand_in);

// What a library's answer means: throws, in words and with what to do, Error(out_of_memory),
// Error(unsupported) where the call was refused, else Error(device). Nothing where the status is
// success.
void check_status(const Api& api, cudaError_t status, const char* call, int device);
void check_status(const Api& api, cudnnStatus_t status, const char* call, int device);
void check_status(const Api& api, cublasStatus_t status, const char* call, int device);
void check_status(const Api& api, ncclResult_t status, const char* call, int device);

// The libraries behind the table, and their versions in one line for people.
std::vector<LibraryInfo> libraries(const Api& api);
std::string library_versions(const Api& api);

// dlopen() of where the system's loader finds a library, LD_LIBRARY_PATH first; else of the first
// of library_folders() that has one. Null: `reasons` tells.
void* open_library(const std::string& file, std::string& reasons);
// Of Python's environments and of CUDA, as far as they exist.
std::vector<std::string> library_folders();

// Whether our own kernels were compiled for GPUs of this compute capability; else the driver does
// so from PTX.
bool has_kernels_for(int major, int minor);

}  // namespace alx::cudnn
