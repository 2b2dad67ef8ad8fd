#include "backends/cudnn/api.h"
#include "core/error.h"

namespace alx::cudnn {
namespace {

struct Meaning {
  Code code;
  const char* advice = "";
};

constexpr Meaning full{Code::out_of_memory}, refused{Code::unsupported};
constexpr Meaning lost{
    Code::device, "; the device may be lost: start again, from a checkpoint where there is one"};
constexpr Meaning no_code{
    Code::unsupported,
    "; this build has no kernels that this GPU or its driver takes: install a "
    "newer driver, or build for this GPU"};
constexpr Meaning busy{
    Code::device, "; another program may have the GPU for itself: end it, or take another device"};
constexpr Meaning torn{
    Code::device,
    "; its parts must be all there, of one version, and not too new for the driver: "
    "`alexnet devices` tells where it was loaded from"};
constexpr Meaning apart{Code::device, "; NCCL_DEBUG=INFO in the environment makes NCCL tell more"};

Meaning meaning_of(cudaError_t status) {
  switch (status) {
    case cudaErrorMemoryAllocation: return full;
    case cudaErrorNoKernelImageForDevice:
    case cudaErrorInvalidPtx:
    case cudaErrorUnsupportedPtxVersion:
    case cudaErrorJitCompilerNotFound:
    case cudaErrorJitCompilationDisabled: return no_code;
    case cudaErrorDevicesUnavailable: return busy;
    default: return lost;
  }
}

// Codes from 1000 say that cuDNN cannot start, from 2000 that the call was wrong, from 3000 that it
// is not supported.
Meaning meaning_of(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED:
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED: return full;
    case CUDNN_STATUS_NOT_SUPPORTED_SUBLIBRARY_UNAVAILABLE: return torn;
    default: return status < 2000 ? torn : status < 4000 ? refused : lost;
  }
}

Meaning meaning_of(cublasStatus_t status) {
  switch (status) {
    case CUBLAS_STATUS_ALLOC_FAILED: return full;
    case CUBLAS_STATUS_NOT_INITIALIZED:
    case CUBLAS_STATUS_LICENSE_ERROR: return torn;
    case CUBLAS_STATUS_INVALID_VALUE:
    case CUBLAS_STATUS_ARCH_MISMATCH:
    case CUBLAS_STATUS_NOT_SUPPORTED: return refused;
    default: return lost;
  }
}

Meaning meaning_of(ncclResult_t status) {
  return status == ncclUnhandledCudaError || status == ncclRemoteError ? lost : apart;
}

[[noreturn]] void fail_call(const Meaning& meaning, const char* call, int device,
                            const char* reason, const std::string& details = "") {
  fail(meaning.code, "cuda:", device, ": ", call, " failed: ", reason, details, meaning.advice);
}

// What cuDNN notes for the calling thread beside the status, on one line.
std::string last_error(const Api& api) {
  char text[512] = "";
  api.cudnnGetLastErrorString(text, sizeof text);
  text[sizeof text - 1] = '\0';
  std::string line = text;
  for (char& c : line)
    if (static_cast<unsigned char>(c) < ' ') c = ' ';
  line.erase(line.find_last_not_of(' ') + 1);
  return line.empty() ? "" : " (" + line + ")";
}

}  // namespace

void check_status(const Api& api, cudaError_t status, const char* call, int device) {
  if (status == cudaSuccess) return;
  api.cudaGetLastError();  // else the next caller would be told of it
  fail_call(meaning_of(status), call, device, api.cudaGetErrorString(status));
}

void check_status(const Api& api, cudnnStatus_t status, const char* call, int device) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  fail_call(meaning_of(status), call, device, api.cudnnGetErrorString(status), last_error(api));
}

void check_status(const Api& api, cublasStatus_t status, const char* call, int device) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  fail_call(meaning_of(status), call, device, api.cublasGetStatusString(status));
}

void check_status(const Api& api, ncclResult_t status, const char* call, int device) {
  if (status == ncclSuccess) return;
  fail_call(meaning_of(status), call, device, api.ncclGetErrorString(status));
}

}  // namespace alx::cudnn
