// Our own kernels on the simulated machine: the same bodies, over host memory.
#include "backends/cudnn/kernels_layers.h"

#include "cudasim/state.h"

namespace alx::cudasim {
namespace {

using namespace cudnn;

template <class Args>
bool run_kernel(const void* given, size_t count, cudaStream_t stream) {
  Args args = *static_cast<const Args*>(given);
  const char* name = kernel_name(function_of<Args>);
  if (args.count != count)
    violate(cat(name, " is launched over ", count, " elements and has ", args.count));
  std::vector<Range> ranges;
  args.memory([&](auto& pointer, size_t bytes, Access access) {
    ranges.push_back({pointer, bytes, access, "a tensor"});
  });
  return run(stream, name, ranges, [args](const std::vector<void*>& pointers) {
    Args here = args;
    size_t next = 0;
    here.memory([&](auto& pointer, size_t, Access) {
      pointer = static_cast<std::remove_reference_t<decltype(pointer)>>(pointers[next++]);
    });
    // A GPU promises no order, so the order changes from launch to launch.
    machine().backwards = !machine().backwards;
    for (size_t i = 0; i < here.count; ++i) here.run(machine().backwards ? here.count - 1 - i : i);
  });
}

cudaError_t dispatch(Function function, const void* args, size_t count, cudaStream_t stream) {
  bool done = false;
  switch (function) {
#define KERNEL(name, work)                        \
  case Function::name:                            \
    done = run_kernel<work>(args, count, stream); \
    break;
#include "backends/cudnn/kernel_list.inc"
#undef KERNEL
    case Function::count: break;
  }
  return done ? cudaSuccess : cudaErrorIllegalAddress;
}

}  // namespace

void add_kernels(cudnn::Api& api) {
  api.launch = [](const Api&, Function function, const void* args, size_t count,
                  cudaStream_t stream) {
    switch (enter(kernel_name(function))) {
      case Fate::fail: return failure(cudaErrorLaunchFailure);
      case Fate::drop: return cudaSuccess;
      case Fate::normal: break;
    }
    if (device_of(stream) != current_device()) {
      violate(cat(kernel_name(function),
                  " is launched into a stream of another device than the current one"));
      return cudaErrorInvalidResourceHandle;
    }
    return dispatch(function, args, count, stream);
  };
}

}  // namespace alx::cudasim
