#include "cudasim/machine.h"

#include <signal.h>
#include <unistd.h>

#include <cstring>

#include "cudasim/state.h"

namespace alx::cudasim {
namespace {

// The host followed an address that it may not. Of pinned memory that is a violation, after which
// it goes on; device memory cannot be given to it.
void on_fault(int signal, siginfo_t* info, void*) {
  for (const auto& allocation : machine().allocations) {
    if (!allocation->holds(info->si_addr)) continue;
    if (allocation->device() != pinned) {
      constexpr char text[] = "cudasim: the host touched memory of a device\n";
      if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(1);
      break;
    }
    violate("the host touches pinned memory that it did not wait for: " + allocation->trespass() +
            " still uses it");
    return;
  }
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  sigaction(signal, &usual, nullptr);  // it faults again
}

// The bytes of a range as the machine sees them; null and a violation where they are not all in one
// live allocation.
struct Place {
  Allocation* allocation;
  size_t first;
};
Place place_of(const Range& range, const std::string& call, int device, bool any_device) {
  const std::string where = call + ": " + range.name;
  Allocation* allocation = machine().allocation(range.pointer);
  if (!allocation) {
    violate(where + " points to no memory of a device, or to memory that was freed");
    return {nullptr, 0};
  }
  const auto offset = static_cast<const char*>(range.pointer) - allocation->address();
  const bool inside =
      offset >= 0 && static_cast<size_t>(offset) + range.bytes <= allocation->bytes();
  if (!inside)
    violate(cat(where, " needs ", range.bytes, " bytes at offset ", offset, " of an allocation of ",
                allocation->bytes()));
  const bool wrong_device = !any_device && allocation->device() != device;
  if (wrong_device)
    violate(cat(
        where, " lies ",
        allocation->device() == pinned ? "on the host" : cat("on device ", allocation->device()),
        ", the stream is of device ", device));
  if (!inside || wrong_device) return {nullptr, 0};
  return {allocation, static_cast<size_t>(offset)};
}

}  // namespace

Machine& machine() {
  // never destroyed: backends of the tests die after everything else
  static Machine& instance = *[] {
    struct sigaction action {};
    action.sa_sigaction = on_fault;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGSEGV, &action, nullptr);
    return new Machine;
  }();
  return instance;
}

Stream* Machine::stream(cudaStream_t handle, const char* call) {
  const auto found = streams.find(handle);
  if (found != streams.end()) return found->second.get();
  violate(std::string(call) +
          (handle ? ": no live stream" : ": the default stream, which orders what it should not"));
  return nullptr;
}

Event* Machine::event(cudaEvent_t handle, const char* call) {
  const auto found = events.find(handle);
  if (found != events.end()) return found->second.get();
  violate(std::string(call) + ": no live event");
  return nullptr;
}

Allocation* Machine::allocation(const void* pointer) {
  for (const auto& allocation : allocations)
    if (allocation->holds(pointer)) return allocation.get();
  return nullptr;
}

void Machine::host_knows(const Clock& clock) {
  host.join(clock);
  for (const auto& allocation : allocations)
    if (allocation->device() == pinned) allocation->give_back(host);
}

void Machine::check_not_capturing(const char* call) {
  for (const auto& [handle, stream] : streams)
    if (stream->capture) violate(std::string(call) + " while a stream is being captured");
}

Fate enter(const std::string& call) {
  Machine& m = machine();
  const std::string function = call.substr(0, call.find(' '));
  ++m.calls["*"];
  ++m.calls[function];
  if (function != call) ++m.calls[call];
  const auto hit = [&](std::string& name, size_t& in) {
    if (name.empty() || (name != "*" && name != function && name != call)) return false;
    if (in-- > 0) return false;
    name.clear();
    return true;
  };
  if (hit(m.fail_name, m.fail_in)) return Fate::fail;
  return hit(m.drop_name, m.drop_in) ? Fate::drop : Fate::normal;
}

void reset() {
  Machine& m = machine();
  m.violations.clear();
  m.calls.clear();
  m.fail_name.clear();
  m.drop_name.clear();
  m.more_workspace = m.hidden = m.nondeterministic = false;
  m.limit = 0;
  m.capability = usual_capability;
}

const std::vector<std::string>& violations() {
  for (const auto& allocation : machine().allocations)
    if (!allocation->fences_intact()) violate("somebody wrote beyond an allocation");
  return machine().violations;
}

const std::map<std::string, size_t>& calls() { return machine().calls; }
void fail_call(const std::string& call, size_t nth, int status) {
  machine().fail_name = call, machine().fail_in = nth, machine().fail_status = status;
}
int wanted_failure() { return machine().fail_status; }
void drop_call(const std::string& call, size_t nth) {
  machine().drop_name = call, machine().drop_in = nth;
}
void demand_more_workspace(bool more) { machine().more_workspace = more; }
bool demands_more_workspace() { return machine().more_workspace; }
void limit_memory(size_t bytes) { machine().limit = bytes; }
void hide_devices(bool hidden) { machine().hidden = hidden; }
void set_capability(int major, int minor) { machine().capability = 10 * major + minor; }
int capability() { return machine().capability; }
void leave_only_nondeterministic(bool wanted) { machine().nondeterministic = wanted; }
bool has_only_nondeterministic() { return machine().nondeterministic; }
std::string unfinished() {
  for (const auto& allocation : machine().allocations)
    if (const std::string use = allocation->last_unknown(machine().host); !use.empty()) return use;
  return "";
}
size_t live_objects() {
  const Machine& m = machine();
  return m.allocations.size() + m.streams.size() + m.events.size() + m.graphs.size() +
         m.executables.size() + static_cast<size_t>(m.objects);
}

void violate(const std::string& what) { machine().violations.push_back(what); }
void count_object(int change) { machine().objects += change; }

int device_of(cudaStream_t handle) {
  const Stream* stream = machine().stream(handle, "a call");
  return stream ? stream->device : -1;
}

bool run(cudaStream_t handle, const std::string& call, const std::vector<Range>& ranges,
         const Work& work, bool any_device) {
  Machine& m = machine();
  Stream* stream = m.stream(handle, call.c_str());
  if (!stream) return false;
  if (stream->capture) {
    stream->capture->push_back({call, ranges, work, any_device});
    return true;
  }
  // NCCL finds its devices itself
  if (stream->device != current_device() && !call.starts_with("nccl"))
    violate(cat(call, " on device ", stream->device, " while device ", current_device(),
                " is the current one"));
  stream->clock.join(m.host);
  stream->clock.tick(stream->who);
  const Use use{stream->who, stream->clock.at(stream->who), cat(call, " on stream ", stream->who)};
  std::vector<void*> pointers;
  std::vector<Place> places;
  for (const Range& range : ranges) {
    places.push_back(range.bytes ? place_of(range, call, stream->device, any_device)
                                 : Place{nullptr, 0});
    const Place& place = places.back();
    if (range.bytes && !place.allocation) return false;
    pointers.push_back(range.bytes ? place.allocation->content() + place.first : nullptr);
  }
  for (size_t i = 0; i < ranges.size(); ++i) {
    if (ranges[i].bytes == 0) continue;
    const size_t first = places[i].first, last = first + ranges[i].bytes;
    const std::string conflict =
        places[i].allocation->access(first, last, ranges[i].access, use, stream->clock);
    if (!conflict.empty())
      violate(cat(use.call, " uses ", ranges[i].name, " while nothing orders it after ", conflict));
    if (places[i].allocation->device() == pinned)
      places[i].allocation->lend(first, last, ranges[i].access, use);
  }
  work(pointers);
  return true;
}

void join(const std::vector<cudaStream_t>& handles, const std::string& call) {
  Clock all;
  for (cudaStream_t handle : handles)
    if (const Stream* stream = machine().stream(handle, call.c_str())) all.join(stream->clock);
  for (cudaStream_t handle : handles)
    if (Stream* stream = machine().stream(handle, call.c_str())) stream->clock.join(all);
}

const cudnn::Api& api() {
  static const cudnn::Api table = [] {
    cudnn::Api made;
    add_runtime(made);
    add_cudnn(made);
    add_cublas(made);
    add_nccl(made);
    return made;
  }();
  return table;
}

}  // namespace alx::cudasim
