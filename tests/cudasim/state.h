// What machine.cpp and runtime.cpp share: the machine's state.
#pragma once
#include <map>
#include <memory>
#include <set>

#include "core/error.h"
#include "cudasim/clock.h"
#include "cudasim/machine.h"
#include "cudasim/memory.h"

namespace alx::cudasim {

constexpr int usual_capability = 80;

struct Node {  // an operation of a graph
  std::string call;
  std::vector<Range> ranges;
  Work work;
  bool any_device;
};

struct Stream {
  int device;
  size_t number;  // among the device's
  size_t who;
  Clock clock;
  std::shared_ptr<std::vector<Node>> capture;  // null: operations run
};

struct Event {
  int device;
  size_t number;
  Clock clock;
};

struct Machine {
  std::vector<std::unique_ptr<Allocation>> allocations;
  std::map<cudaStream_t, std::unique_ptr<Stream>> streams;
  std::map<cudaEvent_t, std::unique_ptr<Event>> events;
  std::map<cudaGraph_t, std::shared_ptr<std::vector<Node>>> graphs;
  std::map<cudaGraphExec_t, std::shared_ptr<std::vector<Node>>> executables;
  std::set<std::pair<int, int>> peers;  // (who, of whom)
  Clock host;
  size_t next_clock = 1;
  uintptr_t next_handle = 0x1000;
  size_t limit = 0, used[devices] = {};
  std::vector<std::string> violations;
  std::map<std::string, size_t> calls;
  std::string fail_name, drop_name;
  size_t fail_in = 0, drop_in = 0;
  int fail_status = 0, capability = usual_capability;
  bool more_workspace = false, hidden = false, nondeterministic = false, backwards = false;
  int objects = 0;

  Stream* stream(cudaStream_t handle, const char* call);  // null and a violation: not a live one
  Event* event(cudaEvent_t handle, const char* call);
  Allocation* allocation(const void* pointer);  // null: none that is live
  void host_knows(const Clock& clock);          // after a synchronisation
  void check_not_capturing(const char* call);
  template <class Handle>
  Handle handle() {
    return reinterpret_cast<Handle>(next_handle += 0x10);
  }
};
Machine& machine();

// Parts of runtime.cpp's table.
void add_graphs(cudnn::Api& api);
void add_kernels(cudnn::Api& api);

// Runs `work`, which returns whether all was well, unless the call is to fail or to be dropped.
template <class F>
cudaError_t call(const std::string& name, cudaError_t failure, F work) {
  switch (enter(name)) {
    case Fate::fail: return cudasim::failure(failure);
    case Fate::drop: return cudaSuccess;
    case Fate::normal: break;
  }
  return work() ? cudaSuccess : cudaErrorInvalidValue;
}

inline bool violated(const std::string& what) {
  violate(what);
  return false;
}

}  // namespace alx::cudasim
