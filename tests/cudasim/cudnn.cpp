// The stand-in for cuDNN: handles, and one operation on a handle's stream.
#include <cstring>
#include <utility>

#include "cudasim/cudnn_descriptors.h"

namespace alx::cudasim {
namespace {

auto& handles() { return Objects<CudnnHandle>::all(); }

size_t version() { return CUDNN_VERSION; }

const char* error_string(cudnnStatus_t status) {
  switch (status) {
    case CUDNN_STATUS_SUCCESS: return "CUDNN_STATUS_SUCCESS";
    case CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH:
      return "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH";
    case CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED: return "CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED";
    case CUDNN_STATUS_ALLOC_FAILED: return "CUDNN_STATUS_ALLOC_FAILED";
    case CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED:
      return "CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED";
    case CUDNN_STATUS_BAD_PARAM: return "CUDNN_STATUS_BAD_PARAM";
    case CUDNN_STATUS_NOT_SUPPORTED: return "CUDNN_STATUS_NOT_SUPPORTED";
    case CUDNN_STATUS_EXECUTION_FAILED: return "CUDNN_STATUS_EXECUTION_FAILED";
    default: return "CUDNN_STATUS_UNKNOWN";
  }
}

void last_error_string(char* message, size_t size) {
  const std::string text = std::exchange(last_cudnn_error(), "");
  if (size > 0) message[text.copy(message, size - 1)] = '\0';
}

cudnnStatus_t create(cudnnHandle_t* handle) {
  constexpr Statuses<cudnnStatus_t> status{CUDNN_STATUS_SUCCESS, CUDNN_STATUS_ALLOC_FAILED,
                                           CUDNN_STATUS_BAD_PARAM};
  return perform("cudnnCreate", status, [&] { handles().create(handle); });
}

cudnnStatus_t destroy(cudnnHandle_t handle) {
  return perform("cudnnDestroy", cudnn_status, [&] {
    handles().get(handle, "handle").check_device();
    handles().destroy(handle, "handle");
  });
}

cudnnStatus_t set_stream(cudnnHandle_t handle, cudaStream_t stream) {
  return perform("cudnnSetStream", cudnn_status,
                 [&] { handles().get(handle, "handle").set_stream(stream); });
}

}  // namespace

void check_same(const Elements& a, const char* a_name, const Elements& b, const char* b_name) {
  expect(a.shape == b.shape && a.element == b.element, a_name, " and ", b_name,
         " must agree, they are ", a.text(), " and ", b.text());
}

Operation::Operation(const char* call, cudnnHandle_t handle) : call_(call) {
  const CudnnHandle& owner = handles().get(handle, "handle");
  owner.check_ready();
  stream_ = owner.stream;
}

void Operation::check_blend(const void* alpha, const void* beta) {
  expect(alpha && beta, alpha ? "beta" : "alpha", " is null");
  const float scale = *static_cast<const float*>(alpha), keep = *static_cast<const float*>(beta);
  expect(scale == 1 && keep == 0, "alpha ", scale, " and beta ", keep,
         " are not simulated, only 1 and 0");
}

void Operation::read(const char* name, const Elements& elements, const void* pointer) {
  check_aligned(pointer, 16, name);
  ranges_.push_back({pointer, elements.bytes(), cudnn::Access::read, name});
}

void Operation::write(const char* name, const Elements& elements, void* pointer,
                      const char* in_place) {
  check_aligned(pointer, 16, name);
  const Range range{pointer, elements.bytes(), cudnn::Access::write, name};
  for (const Range& other : ranges_) {
    const bool same =
        in_place && std::strcmp(in_place, other.name) == 0 && other.pointer == pointer;
    expect(same || !overlap(range, other), name, " overlaps ", other.name);
  }
  ranges_.push_back(range);
}

void Operation::workspace(void* pointer, size_t bytes, size_t needed) {
  expect(bytes >= needed, "the algorithm needs a workspace of ", needed, " bytes, but got ", bytes);
  if (bytes == 0) return;
  check_aligned(pointer, 16, "workSpace");
  const Range range{pointer, bytes, cudnn::Access::write, "workSpace"};
  for (const Range& other : ranges_)
    expect(!overlap(range, other), "workSpace overlaps ", other.name);
  ranges_.push_back(range);
  has_workspace_ = true;
}

void Operation::run(const Work& work) const {
  if (!has_workspace_) return expect_run(cudasim::run(stream_, call_, ranges_, work));
  // What a workspace holds is undefined, before and after.
  const auto with_workspace = [work,
                               bytes = ranges_.back().bytes](const std::vector<void*>& pointers) {
    std::memset(pointers.back(), 0xff, bytes);
    work(pointers);
    std::memset(pointers.back(), 0xff, bytes);
  };
  expect_run(cudasim::run(stream_, call_, ranges_, with_workspace));
}

void add_cudnn(cudnn::Api& api) {
  api.cudnnGetVersion = version;
  api.cudnnGetErrorString = error_string;
  api.cudnnGetLastErrorString = last_error_string;
  api.cudnnCreate = create;
  api.cudnnDestroy = destroy;
  api.cudnnSetStream = set_stream;
  add_cudnn_descriptors(api);
  add_cudnn_convolution(api);
  add_cudnn_layers(api);
}

}  // namespace alx::cudasim
