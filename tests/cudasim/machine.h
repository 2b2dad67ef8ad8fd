// A simulated machine with two GPUs, on host memory: what the stand-ins for CUDA, cuDNN, cuBLAS and
// NCCL in this folder share. Every operation runs at once, on the calling thread; what is checked
// is whether anything made it wait for what it needed. Each stream and the host carry a vector
// clock; each byte of memory remembers who wrote and read it last; an access that no stream order,
// event or synchronisation orders after a conflicting one is a violation, whatever the timing.
// Device memory is inaccessible to the host, starts as not-a-number and is fenced; pinned memory is
// taken from the host while a copy that it did not wait for uses it.
#pragma once
#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "backends/cudnn/api.h"

namespace alx::cudasim {

using cudnn::Access;

constexpr int devices = 2;

// Memory that an operation uses. Of pitched copies only what is touched, row by row.
struct Range {
  const void* pointer;
  size_t bytes;
  Access access;
  const char* name;  // of the parameter, for messages
};

// What a call of a stand-in shall do; each begins with `switch (enter("cudaMalloc"))`.
enum class Fate {
  normal,
  fail,  // return the library's error, without effect
  drop   // return success, without effect: a mutation of the code under test
};
Fate enter(const std::string& call);
int wanted_failure();  // the status that the test gave for the call that is to fail; 0: none
template <class Status>
Status failure(Status usual) {
  return wanted_failure() ? static_cast<Status>(wanted_failure()) : usual;
}

// --- what tests set and ask ---------------------------------------------------------------------

void reset();  // forgets violations, counts, failures and mutations; memory and streams live on
const std::vector<std::string>& violations();

// How often each function was called since reset(), and all of them ("*"). Waits and records also
// by their place, as "cudaStreamWaitEvent stream 2 event 0 of the other device": numbers in the
// order in which a device's were made.
const std::map<std::string, size_t>& calls();
// The nth call (from 0) after this one; "*": of any function. With this status, 0: what is usual
// for the function.
void fail_call(const std::string& call, size_t nth, int status = 0);
// alike; of cudaSetDevice and of waits, calls that change nothing count nowhere
void drop_call(const std::string& call, size_t nth);
// convolutions demand twice what Find* reported
void demand_more_workspace(bool more);
void limit_memory(size_t bytes);  // of each device; 0: no limit
// cudaGetDeviceCount says that there is no driver
void hide_devices(bool hidden);
void set_capability(int major, int minor);  // of both devices; 8.0 after reset()
// of a convolution's algorithms, where there are any
void leave_only_nondeterministic(bool wanted);
// an operation that the host has not waited for, or ""
std::string unfinished();
// allocations, streams, events, handles, descriptors, graphs
size_t live_objects();

// --- what stand-ins use -------------------------------------------------------------------------

// records it; the stand-in then returns an error as the real library might
void violate(const std::string& what);
// +1 where a handle or descriptor is made, -1 where it is destroyed
void count_object(int change);

int current_device();                // of this host thread
int device_of(cudaStream_t stream);  // -1 and a violation: not a live stream

// Runs `work` as the next operation of `stream`, or records it where the stream is being captured.
// Checks that each range lies inside one live allocation of the stream's device (`any_device`: of
// any device, or pinned) and that every conflicting access before it is ordered. `work` gets, in
// the order of `ranges`, pointers that the host may use (null for ranges of no bytes). Returns
// false, with the violation recorded, where a check fails: then `work` did not run.
using Work = std::function<void(const std::vector<void*>& pointers)>;
bool run(cudaStream_t stream, const std::string& call, const std::vector<Range>& ranges,
         const Work& work, bool any_device = false);

bool demands_more_workspace();
bool has_only_nondeterministic();
int capability();  // 80: compute capability 8.0

// Orders each of these streams after all of them.
void join(const std::vector<cudaStream_t>& streams, const std::string& call);

// The whole machine behind the backend's table.
const cudnn::Api& api();

// Fills in the functions of one library; api() calls them.
void add_runtime(cudnn::Api& api);
void add_cudnn(cudnn::Api& api);
void add_cublas(cudnn::Api& api);
void add_nccl(cudnn::Api& api);

}  // namespace alx::cudasim
