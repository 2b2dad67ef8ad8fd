// Finds the libraries of CUDA on this machine when they are first wanted.
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "backends/cudnn/api.h"
#include "core/error.h"

extern "C" const unsigned long long alx_cuda_kernels[];  // the compiled kernels.cu

namespace alx::cudnn {

const char* kernel_name(Function function) {
  static constexpr const char* names[] = {"alexnet_fill",        "alexnet_convert",     "alexnet_bias_activation",
                                          "alexnet_dropout",     "alexnet_sum",         "alexnet_sgd",
                                          "alexnet_window",      "alexnet_average",     "alexnet_average_grad",
                                          "alexnet_lrn_scale",   "alexnet_lrn_forward", "alexnet_lrn_backward",
                                          "alexnet_exponential", "alexnet_loss",        "alexnet_loss_grad",
                                          "alexnet_finite",      "alexnet_set_step"};
  static_assert(std::size(names) == static_cast<size_t>(Function::count));
  return names[static_cast<size_t>(function)];
}

namespace {

// The libraries by the names of their ABI versions, which are those of the headers this is compiled with.
enum Library { cudart, cudnn, cublas, nccl, library_count };
struct LibraryFile {
  const char *file, *what;
};
#define ALX_TEXT(x) #x
#define ALX_NUMBER(x) ALX_TEXT(x)
constexpr std::array<LibraryFile, library_count> files{{
    {"libcudart.so.13", "the CUDA 13 runtime"},
    {"libcudnn.so." ALX_NUMBER(CUDNN_MAJOR), "cuDNN " ALX_NUMBER(CUDNN_MAJOR)},
    {"libcublas.so." ALX_NUMBER(CUBLAS_VER_MAJOR), "cuBLAS " ALX_NUMBER(CUBLAS_VER_MAJOR)},
    {"libnccl.so." ALX_NUMBER(NCCL_MAJOR), "NCCL " ALX_NUMBER(NCCL_MAJOR)},
}};
static_assert(CUDART_VERSION / 1000 == 13);

void* open_library(Library library) {
  if (void* handle = dlopen(files[library].file, RTLD_NOW | RTLD_LOCAL)) return handle;
  const char* reason = dlerror();
  fail(Code::device, files[library].what, " (", files[library].file,
       ") cannot be loaded: ", reason ? reason : "no reason given",
       "; install it, or name its folder in LD_LIBRARY_PATH");
}

template <class F>
void find(Library library, void* handle, const char* name, F& function) {
  if (!handle) return;  // NCCL, which only several devices need
  function = reinterpret_cast<F>(dlsym(handle, name));
  check(function != nullptr, Code::device, files[library].file, " has no ", name, ": it is not the ",
        files[library].what, " that this build is made for");
}

// Kernels are loaded into each device when they first run there.
cudaError_t find_kernel(const Api& api, Function function, cudaKernel_t& found) {
  static std::mutex mutex;
  static cudaLibrary_t library = nullptr;
  static std::array<cudaKernel_t, static_cast<size_t>(Function::count)> kernels{};
  const std::lock_guard lock(mutex);
  cudaError_t status = cudaSuccess;
  if (!library) status = api.cudaLibraryLoadData(&library, alx_cuda_kernels, nullptr, nullptr, 0, nullptr, nullptr, 0);
  cudaKernel_t& kernel = kernels[static_cast<size_t>(function)];
  if (status == cudaSuccess && !kernel) status = api.cudaLibraryGetKernel(&kernel, library, kernel_name(function));
  found = kernel;
  return status;
}

cudaError_t launch(const Api& api, Function function, const void* args, size_t count, cudaStream_t stream) {
  cudaKernel_t kernel = nullptr;
  if (const cudaError_t status = find_kernel(api, function, kernel); status != cudaSuccess) return status;
  constexpr size_t block = 256, most_blocks = 1 << 16;
  const dim3 grid(static_cast<unsigned>(std::min((count + block - 1) / block, most_blocks)));
  void* list[] = {const_cast<void*>(args)};
  return api.cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid, dim3(block), list, 0, stream);
}

Api load() {
  Api found;
  std::array<void*, library_count> handles{};
  for (const Library library : {cudart, cudnn, cublas}) handles[library] = open_library(library);
  handles[nccl] = dlopen(files[nccl].file, RTLD_NOW | RTLD_LOCAL);
#define ALX_FUNCTION(library, name) find(library, handles[library], #name, found.name);
#include "backends/cudnn/functions.inc"
  found.launch = launch;
  return found;
}

const Api*& stand_in() {
  static const Api* api = nullptr;
  return api;
}

}  // namespace

const Api& api() {
  if (stand_in()) return *stand_in();
  static const Api real = load();  // tried again where it failed
  return real;
}

void use_api(const Api* api) { stand_in() = api; }

bool has_nccl(const Api& api) { return api.ncclAllReduce != nullptr; }

std::string library_versions(const Api& api) {
  int runtime = 0;
  api.cudaRuntimeGetVersion(&runtime);
  const size_t version = api.cudnnGetVersion();  // 91300 is 9.13.0
  return cat("CUDA ", runtime / 1000, ".", runtime % 1000 / 10, ", cuDNN ", version / 10000, ".", version / 100 % 100,
             ".", version % 100, has_nccl(api) ? "" : "; no NCCL: gradients cross through the host");
}

}  // namespace alx::cudnn
