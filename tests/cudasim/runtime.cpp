// The part of the CUDA runtime that the backend calls.
#include <algorithm>
#include <cstring>
#include <limits>

#include "cudasim/state.h"

namespace alx::cudasim {
namespace {

thread_local int current = 0;

// ---- memory ------------------------------------------------------------------------------------

cudaError_t allocate(const char* name, void** pointer, size_t bytes, int device) {
  Machine& m = machine();
  switch (enter(name)) {
    case Fate::normal: break;
    default: return cudaErrorMemoryAllocation;  // a dropped one could only crash
  }
  m.check_not_capturing(name);
  if (device != pinned && m.limit && m.used[device] + bytes > m.limit)
    return cudaErrorMemoryAllocation;
  m.allocations.push_back(std::make_unique<Allocation>(bytes, device));
  if (device != pinned) m.used[device] += bytes;
  *pointer = m.allocations.back()->address();
  return cudaSuccess;
}

bool release(const char* name, void* pointer, bool host) {
  if (!pointer) return true;
  Machine& m = machine();
  Allocation* allocation = m.allocation(pointer);
  if (!allocation || allocation->address() != pointer || (allocation->device() == pinned) != host)
    return violated(cat(name, ": no live allocation of this kind starts there"));
  if (!allocation->fences_intact()) violate("somebody wrote beyond an allocation");
  if (const std::string use = allocation->last_unknown(m.host); !use.empty())
    violate(cat(name, " while the host has not waited for ", use));
  if (!host) m.used[allocation->device()] -= allocation->bytes();
  std::erase_if(m.allocations, [&](const auto& other) { return other.get() == allocation; });
  return true;
}

void add_memory(cudnn::Api& api) {
  api.cudaMalloc = [](void** pointer, size_t bytes) {
    return allocate("cudaMalloc", pointer, bytes, current);
  };
  api.cudaHostAlloc = [](void** pointer, size_t bytes, unsigned) {
    return allocate("cudaHostAlloc", pointer, bytes, pinned);
  };
  api.cudaFree = [](void* pointer) {
    return call("cudaFree", cudaErrorInvalidValue,
                [&] { return release("cudaFree", pointer, false); });
  };
  api.cudaFreeHost = [](void* pointer) {
    return call("cudaFreeHost", cudaErrorInvalidValue,
                [&] { return release("cudaFreeHost", pointer, true); });
  };
  api.cudaMemGetInfo = [](size_t* free, size_t* total) {
    const Machine& m = machine();
    *total = m.limit ? m.limit : size_t{1} << 30;
    *free = *total - std::min(*total, m.used[current]);
    return cudaSuccess;
  };
}

// ---- copies ------------------------------------------------------------------------------------

// -1: pinned, -2: neither that nor a device's
int owner_of(const void* pointer) {
  const Allocation* allocation = machine().allocation(pointer);
  return allocation ? allocation->device() : -2;
}

bool copy(const char* name, void* to, int to_device, const void* from, int from_device,
          size_t bytes, cudaStream_t stream) {
  const auto place = [](int device) {
    return device == pinned ? std::string("pinned memory") : cat("device ", device);
  };
  for (const auto& [pointer, device] :
       {std::pair<const void*, int>{to, to_device}, {from, from_device}})
    if (owner_of(pointer) != device)
      return violated(cat(name, ": a pointer is not of ", place(device), ", as the call says"));
  const std::vector<Range> ranges{{to, bytes, Access::write, "the target"},
                                  {from, bytes, Access::read, "the source"}};
  return run(
      stream, name, ranges,
      [bytes](const std::vector<void*>& p) { std::memcpy(p[0], p[1], bytes); }, true);
}

bool copy_by_kind(void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                  cudaStream_t handle) {
  const Stream* stream = machine().stream(handle, "cudaMemcpyAsync");
  if (!stream) return false;
  const int device = stream->device;
  switch (kind) {
    case cudaMemcpyHostToDevice:
      return copy("cudaMemcpyAsync to the device", to, device, from, pinned, bytes, handle);
    case cudaMemcpyDeviceToHost:
      return copy("cudaMemcpyAsync to the host", to, pinned, from, device, bytes, handle);
    case cudaMemcpyDeviceToDevice:
      return copy("cudaMemcpyAsync", to, device, from, device, bytes, handle);
    default: return violated("cudaMemcpyAsync: a direction that is not simulated");
  }
}

bool copy_rows(char* to, size_t to_pitch, const char* from, size_t from_pitch, size_t width,
               size_t height, cudaStream_t stream) {
  if (width > to_pitch || width > from_pitch)
    return violated("cudaMemcpy2DAsync: rows wider than their pitch");
  if (std::max(to_pitch, from_pitch) > std::numeric_limits<int32_t>::max())
    return violated("cudaMemcpy2DAsync: a pitch beyond the 2^31 - 1 bytes that devices take");
  std::vector<Range> ranges;
  for (size_t row = 0; row < height; ++row) {
    ranges.push_back({to + row * to_pitch, width, Access::write, "the target"});
    ranges.push_back({from + row * from_pitch, width, Access::read, "the source"});
  }
  return run(stream, "cudaMemcpy2DAsync", ranges, [width](const std::vector<void*>& p) {
    for (size_t i = 0; i < p.size(); i += 2) std::memcpy(p[i], p[i + 1], width);
  });
}

void add_copies(cudnn::Api& api) {
  api.cudaMemcpyAsync = [](void* to, const void* from, size_t bytes, cudaMemcpyKind kind,
                           cudaStream_t stream) {
    return call("cudaMemcpyAsync", cudaErrorLaunchFailure,
                [&] { return copy_by_kind(to, from, bytes, kind, stream); });
  };
  api.cudaMemcpyPeerAsync = [](void* to, int to_device, const void* from, int from_device,
                               size_t bytes, cudaStream_t stream) {
    return call("cudaMemcpyPeerAsync", cudaErrorLaunchFailure, [&] {
      return copy("cudaMemcpyPeerAsync", to, to_device, from, from_device, bytes, stream);
    });
  };
  api.cudaMemcpy2DAsync = [](void* to, size_t to_pitch, const void* from, size_t from_pitch,
                             size_t width, size_t height, cudaMemcpyKind kind,
                             cudaStream_t stream) {
    return call("cudaMemcpy2DAsync", cudaErrorLaunchFailure, [&] {
      if (kind != cudaMemcpyDeviceToDevice)
        return violated("cudaMemcpy2DAsync: only between device memory");
      return copy_rows(static_cast<char*>(to), to_pitch, static_cast<const char*>(from), from_pitch,
                       width, height, stream);
    });
  };
  api.cudaMemsetAsync = [](void* to, int value, size_t bytes, cudaStream_t stream) {
    return call("cudaMemsetAsync", cudaErrorLaunchFailure, [&] {
      return run(stream, "cudaMemsetAsync", {{to, bytes, Access::write, "the target"}},
                 [=](const std::vector<void*>& p) { std::memset(p[0], value, bytes); });
    });
  };
}

// A rule of ours, stricter than CUDA's: whatever works on a device is called while that is the
// current one.
void check_device(const char* name, int device) {
  if (device != current)
    violate(cat(name, " on device ", device, " while device ", current, " is the current one"));
}

// The number of the next of these on the current device.
template <class Handles>
size_t number_for(const Handles& handles) {
  return static_cast<size_t>(std::count_if(handles.begin(), handles.end(), [](const auto& entry) {
    return entry.second->device == current;
  }));
}

std::string place_of(cudaStream_t stream, cudaEvent_t event) {
  const auto s = machine().streams.find(stream);
  const auto e = machine().events.find(event);
  if (s == machine().streams.end() || e == machine().events.end()) return " of nothing";
  return cat(" stream ", s->second->number, " event ", e->second->number,
             s->second->device == e->second->device ? "" : " of the other device");
}

// What an operation queued now would know of.
Clock state_of(cudaStream_t handle) {
  Clock state = machine().host;
  const auto found = machine().streams.find(handle);
  if (found != machine().streams.end()) state.join(found->second->clock);
  return state;
}

// Whether a wait for this would order nothing.
bool nothing_new(const Clock& waiting, cudaStream_t handle) {
  const auto found = machine().streams.find(handle);
  return found != machine().streams.end() && !found->second->capture &&
         waiting.knows(found->second->clock);
}
bool nothing_new(const Clock& waiting, cudaEvent_t handle) {
  const auto found = machine().events.find(handle);
  return found != machine().events.end() && waiting.knows(found->second->clock);
}

// ---- streams and events ------------------------------------------------------------------------

void add_streams(cudnn::Api& api) {
  api.cudaStreamCreateWithFlags = [](cudaStream_t* made, unsigned flags) {
    return call("cudaStreamCreateWithFlags", cudaErrorLaunchFailure, [&] {
      Machine& m = machine();
      if (flags != cudaStreamNonBlocking) violate("a stream that waits for the default stream");
      *made = m.handle<cudaStream_t>();
      m.streams[*made] = std::make_unique<Stream>(
          Stream{current, number_for(m.streams), m.next_clock++, {}, nullptr});
      return true;
    });
  };
  api.cudaStreamDestroy = [](cudaStream_t stream) {
    if (!stream) return cudaSuccess;
    return call("cudaStreamDestroy", cudaErrorLaunchFailure, [&] {
      return machine().streams.erase(stream) ? true : violated("cudaStreamDestroy: no live stream");
    });
  };
  api.cudaStreamSynchronize = [](cudaStream_t handle) {
    if (nothing_new(machine().host, handle)) return cudaSuccess;
    return call("cudaStreamSynchronize", cudaErrorLaunchFailure, [&] {
      Machine& m = machine();
      m.check_not_capturing("cudaStreamSynchronize");
      const Stream* stream = m.stream(handle, "cudaStreamSynchronize");
      if (stream) m.host_knows(stream->clock);
      return stream != nullptr;
    });
  };
  api.cudaStreamWaitEvent = [](cudaStream_t waiting, cudaEvent_t handle, unsigned) {
    if (nothing_new(state_of(waiting), handle)) return cudaSuccess;
    return call("cudaStreamWaitEvent" + place_of(waiting, handle), cudaErrorLaunchFailure, [&] {
      Stream* stream = machine().stream(waiting, "cudaStreamWaitEvent");
      const Event* event = machine().event(handle, "cudaStreamWaitEvent");
      if (!stream || !event) return false;
      if (stream->capture)
        return violated("a captured stream waits for an event from outside the capture");
      check_device("cudaStreamWaitEvent", stream->device);
      stream->clock.join(event->clock);
      return true;
    });
  };
}

void add_events(cudnn::Api& api) {
  api.cudaEventCreateWithFlags = [](cudaEvent_t* made, unsigned) {
    return call("cudaEventCreateWithFlags", cudaErrorLaunchFailure, [&] {
      *made = machine().handle<cudaEvent_t>();
      machine().events[*made] =
          std::make_unique<Event>(Event{current, number_for(machine().events), {}});
      return true;
    });
  };
  api.cudaEventDestroy = [](cudaEvent_t event) {
    if (!event) return cudaSuccess;
    return call("cudaEventDestroy", cudaErrorLaunchFailure, [&] {
      return machine().events.erase(event) ? true : violated("cudaEventDestroy: no live event");
    });
  };
  api.cudaEventRecord = [](cudaEvent_t handle, cudaStream_t recorded) {
    const auto known = machine().events.find(handle);
    if (known != machine().events.end() && known->second->clock.knows(state_of(recorded)))
      return cudaSuccess;
    return call("cudaEventRecord" + place_of(recorded, handle), cudaErrorLaunchFailure, [&] {
      const Stream* stream = machine().stream(recorded, "cudaEventRecord");
      Event* event = machine().event(handle, "cudaEventRecord");
      if (!stream || !event) return false;
      if (stream->capture) return violated("an event is recorded in a captured stream");
      check_device("cudaEventRecord", stream->device);
      if (stream->device != event->device)
        return violated("cudaEventRecord: event and stream are of two devices");
      event->clock = stream->clock;
      event->clock.join(machine().host);
      return true;
    });
  };
  api.cudaEventSynchronize = [](cudaEvent_t handle) {
    if (nothing_new(machine().host, handle)) return cudaSuccess;
    return call("cudaEventSynchronize", cudaErrorLaunchFailure, [&] {
      machine().check_not_capturing("cudaEventSynchronize");
      const Event* event = machine().event(handle, "cudaEventSynchronize");
      if (event) machine().host_knows(event->clock);
      return event != nullptr;
    });
  };
}

// ---- devices -----------------------------------------------------------------------------------

void add_devices(cudnn::Api& api) {
  api.cudaGetDeviceCount = [](int* count) {
    *count = machine().hidden ? 0 : devices;
    return machine().hidden ? cudaErrorNoDevice : cudaSuccess;
  };
  api.cudaGetDeviceProperties = [](cudaDeviceProp* properties, int device) {
    if (device < 0 || device >= devices)
      return violated("cudaGetDeviceProperties: no such device"), cudaErrorInvalidDevice;
    std::strcpy(properties->name, "Simulated GPU");
    properties->totalGlobalMem = size_t{1} << 30;
    properties->major = capability() / 10, properties->minor = capability() % 10;
    return cudaSuccess;
  };
  api.cudaGetErrorString = [](cudaError_t error) -> const char* {
    switch (error) {
      case cudaSuccess: return "no error";
      case cudaErrorMemoryAllocation: return "out of memory";
      case cudaErrorNoDevice: return "no CUDA-capable device is detected";
      case cudaErrorLaunchFailure: return "unspecified launch failure";
      default: return "an error of the simulated machine";
    }
  };
  api.cudaDriverGetVersion = [](int* version) {
    return *version = machine().hidden ? 0 : CUDART_VERSION, cudaSuccess;
  };
  api.cudaRuntimeGetVersion = [](int* version) { return *version = CUDART_VERSION, cudaSuccess; };
  api.cudaGetLastError = [] { return cudaSuccess; };
  api.cudaSetDevice = [](int device) {
    if (device < 0 || device >= devices)
      return violated("cudaSetDevice: no such device"), cudaErrorInvalidDevice;
    if (device == current) return cudaSuccess;
    return call("cudaSetDevice", cudaErrorLaunchFailure, [&] {
      current = device;
      return true;
    });
  };
  api.cudaDeviceCanAccessPeer = [](int* can, int device, int peer) {
    return *can = device != peer, cudaSuccess;
  };
  api.cudaDeviceEnablePeerAccess = [](int peer, unsigned) {
    if (peer == current)
      return violated("cudaDeviceEnablePeerAccess: to itself"), cudaErrorInvalidDevice;
    return machine().peers.insert({current, peer}).second ? cudaSuccess
                                                          : cudaErrorPeerAccessAlreadyEnabled;
  };
}

}  // namespace

int current_device() { return current; }

void add_runtime(cudnn::Api& api) {
  add_devices(api);
  add_memory(api);
  add_copies(api);
  add_streams(api);
  add_events(api);
  add_graphs(api);
  add_kernels(api);
}

}  // namespace alx::cudasim
