// Finds the libraries of CUDA on this machine when they are first wanted.
#include <dlfcn.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "backends/cudnn/api.h"
#include "core/error.h"
#include "core/plugin.h"

extern "C" const unsigned long long alx_cuda_kernels[];  // the compiled kernels.cu

namespace alx::cudnn {

const char* kernel_name(Function function) {
  static constexpr const char* names[] = {
#define KERNEL(name, work) "alexnet_" #name,
#include "backends/cudnn/kernel_list.inc"
#undef KERNEL
  };
  static_assert(std::size(names) == static_cast<size_t>(Function::count));
  return names[static_cast<size_t>(function)];
}

namespace {

// The libraries by the names of their ABI versions, which are those of the headers this is compiled
// with.
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

void* need_library(Library library) {
  std::string reasons;
  if (void* handle = open_library(files[library].file, reasons)) return handle;
  fail(Code::device, files[library].what, " (", files[library].file,
       ") cannot be loaded: ", reasons, "; install it, or name its folder in LD_LIBRARY_PATH");
}

template <class F>
void find(Library library, void* handle, const char* name, F& function) {
  if (!handle) return;  // NCCL, which only several devices need
  function = reinterpret_cast<F>(dlsym(handle, name));
  check(function != nullptr, Code::device, files[library].file, " has no ", name,
        ": it is not the ", files[library].what, " that this build is made for");
}

// Kernels are loaded into each device when they first run there.
cudaError_t find_kernel(const Api& api, Function function, cudaKernel_t& found) {
  static std::mutex mutex;
  static cudaLibrary_t library = nullptr;
  static std::array<cudaKernel_t, static_cast<size_t>(Function::count)> kernels{};
  const std::lock_guard lock(mutex);
  cudaError_t status = cudaSuccess;
  if (!library)
    status = api.cudaLibraryLoadData(&library, alx_cuda_kernels, nullptr, nullptr, 0, nullptr,
                                     nullptr, 0);
  cudaKernel_t& kernel = kernels[static_cast<size_t>(function)];
  if (status == cudaSuccess && !kernel)
    status = api.cudaLibraryGetKernel(&kernel, library, kernel_name(function));
  found = kernel;
  return status;
}

cudaError_t launch(const Api& api, Function function, const void* args, size_t count,
                   cudaStream_t stream) {
  cudaKernel_t kernel = nullptr;
  if (const cudaError_t status = find_kernel(api, function, kernel); status != cudaSuccess)
    return status;
  constexpr size_t block = 256, most_blocks = 1 << 16;
  const dim3 grid(static_cast<unsigned>(std::min((count + block - 1) / block, most_blocks)));
  void* list[] = {const_cast<void*>(args)};
  return api.cudaLaunchKernel(reinterpret_cast<const void*>(kernel), grid, dim3(block), list, 0,
                              stream);
}

Api load() {
  Api found;
  std::array<void*, library_count> handles{};
  for (const Library library : {cudart, cudnn, cublas}) handles[library] = need_library(library);
  std::string unused;  // without NCCL sums cross through the host
  handles[nccl] = open_library(files[nccl].file, unused);
#define ALX_FUNCTION(library, name) find(library, handles[library], #name, found.name);
#include "backends/cudnn/functions.inc"
  found.launch = launch;
  return found;
}

template <class F>
std::string file_of(F function) {
  Dl_info found{};
  return dladdr(reinterpret_cast<void*>(function), &found) != 0 && found.dli_fname ? found.dli_fname
                                                                                   : "";
}

// Folders below `start` that the names of `pattern` lead to, one after the other; a name may end
// with *.
std::vector<std::filesystem::path> below(const std::filesystem::path& start,
                                         std::vector<std::string> pattern) {
  std::vector<std::filesystem::path> found{start};
  for (const std::string& name : pattern) {
    std::vector<std::filesystem::path> next;
    for (const auto& folder : found) {
      std::error_code none;
      for (const auto& entry : std::filesystem::directory_iterator(folder, none)) {
        const std::string known = entry.path().filename();
        const bool fits = name.ends_with('*') ? known.starts_with(name.substr(0, name.size() - 1))
                                              : known == name;
        if (fits && entry.is_directory(none)) next.push_back(entry.path());
      }
    }
    std::sort(next.begin(), next.end());
    found = std::move(next);
  }
  return found;
}

const Api*& stand_in() {
  static const Api* api = nullptr;
  return api;
}

}  // namespace

std::vector<std::string> library_folders() {
  std::vector<std::string> folders;
  const auto add = [&](const std::filesystem::path& start,
                       const std::vector<std::string>& pattern) {
    for (const auto& folder : below(start, pattern)) folders.push_back(folder);
  };
  for (const char* variable : {"VIRTUAL_ENV", "CONDA_PREFIX"}) {
    const char* root = secure_getenv(variable);
    if (!root || !*root) continue;
    add(root, {"lib", "python3*", "site-packages", "nvidia", "*", "lib"});  // NVIDIA's wheels
    if (variable == std::string("CONDA_PREFIX")) add(root, {"lib"});
  }
  add("/usr/local/cuda", {"lib64"});
  add("/usr/local/cuda", {"targets", "*", "lib"});
  return folders;
}

void* open_library(const std::string& file, std::string& reasons) {
  std::vector<std::string> paths{file};
  for (const std::string& folder : library_folders())
    if (std::error_code none; std::filesystem::exists(folder + "/" + file, none))
      paths.push_back(folder + "/" + file);
  for (const std::string& path : paths) {
    std::string reason;
    if (void* handle = open_system_library(path.c_str(), reason)) return handle;
    reasons += (reasons.empty() ? "" : "; ") + reason;
  }
  return nullptr;
}

const Api& api() {
  if (stand_in()) return *stand_in();
  static const Api real = load();  // tried again where it failed
  return real;
}

void use_api(const Api* api) { stand_in() = api; }

bool has_nccl(const Api& api) { return api.ncclAllReduce != nullptr; }

std::vector<LibraryInfo> libraries(const Api& api) {
  int runtime = 0, cublas_version[3] = {}, nccl_version = 0;
  api.cudaRuntimeGetVersion(&runtime);
  const size_t cudnn_version = api.cudnnGetVersion();  // 91300 is 9.13.0
  constexpr libraryPropertyType parts[] = {MAJOR_VERSION, MINOR_VERSION, PATCH_LEVEL};
  for (size_t i = 0; i < std::size(parts); ++i) api.cublasGetProperty(parts[i], &cublas_version[i]);
  const auto by_hundreds = [](size_t v) {
    return cat(v / 10000, ".", v / 100 % 100, ".", v % 100);
  };
  std::vector<LibraryInfo> list{
      {"CUDA", cat(runtime / 1000, ".", runtime % 1000 / 10), file_of(api.cudaRuntimeGetVersion)},
      {"cuDNN", by_hundreds(cudnn_version), file_of(api.cudnnGetVersion)},
      {"cuBLAS", cat(cublas_version[0], ".", cublas_version[1], ".", cublas_version[2]),
       file_of(api.cublasGetProperty)}};
  if (!has_nccl(api)) return list;
  api.ncclGetVersion(&nccl_version);
  list.push_back(
      {"NCCL", by_hundreds(static_cast<size_t>(nccl_version)), file_of(api.ncclGetVersion)});
  return list;
}

std::string library_versions(const Api& api) {
  std::string text;
  for (const LibraryInfo& library : libraries(api))
    text += (text.empty() ? "" : ", ") + library.name + " " + library.version;
  return text + (has_nccl(api) ? "" : "; no NCCL: gradients cross through the host");
}

bool has_kernels_for(int major, int minor) {
  // Of one major version, code for a lower minor one runs, too.
  constexpr int compiled[] = {ALEXNET_CUDA_KERNELS};
  return std::any_of(std::begin(compiled), std::end(compiled),
                     [=](int sm) { return sm / 10 == major && sm % 10 <= minor; });
}

}  // namespace alx::cudnn
