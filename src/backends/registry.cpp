#include "backends/registry.h"

#include <algorithm>
#include <set>

#include "backends/reference/reference.h"
#include "core/error.h"
#include "core/text.h"
#ifdef ALEXNET_WITH_ONEDNN
#include "backends/onednn/onednn.h"
#endif
#ifdef ALEXNET_WITH_CUDA
#include "backends/cudnn/cudnn.h"
#endif

namespace alx {
namespace {

// Devices of one kind: one that is always there under the kind's name, or those that the machine
// has, "cuda:0" and so on.
struct Kind {
  const char* name;
  bool numbered;
  std::vector<DeviceInfo> (*list)();  // asks the machine, so only when somebody wants to know
  std::shared_ptr<Backend> (*open)(size_t index, int threads, const HostServices& host);
  std::vector<Precision> (*precisions)(Phase phase);
};

std::vector<DeviceInfo> one(const char* name, std::string description,
                            std::vector<Precision> (*precisions)(Phase)) {
  return {{name,
           true,
           std::move(description),
           "",
           {},
           precisions(Phase::inference),
           precisions(Phase::training)}};
}

std::shared_ptr<Backend> open_reference(size_t, int, const HostServices& host) {
  return make_reference_backend(host.allocator);
}

constexpr Kind kinds[] = {
#ifdef ALEXNET_WITH_ONEDNN
    {"cpu", false, [] { return one("cpu", describe_onednn(), onednn_precisions); },
     [](size_t, int threads, const HostServices& host) {
       return make_onednn_backend(threads, host);
     },
     onednn_precisions},
#else
    {"cpu", false,
     [] { return one("cpu", "plain loops, 1 thread; built without oneDNN", reference_precisions); },
     open_reference, reference_precisions},
#endif
    {"reference", false,
     [] {
       return one("reference",
                  "plain loops with double accumulators, 1 thread: to check others against",
                  reference_precisions);
     },
     open_reference, reference_precisions},
#ifdef ALEXNET_WITH_CUDA
    {"cuda", true, list_cudnn_devices,
     [](size_t index, int, const HostServices&) {
       return make_cudnn_backend(static_cast<int>(index));
     },
     cudnn_precisions},
#else
    {"cuda", true,
     [] {
       return std::vector<DeviceInfo>{
           {"cuda:0", false, "", "this build has no CUDA backend", {}, {}, {}}};
     },
     nullptr, [](Phase) { return std::vector<Precision>(); }},
#endif
};

const Kind& kind_of(const std::string& name) {
  std::vector<std::string> known;
  for (const Kind& kind : kinds) {
    known.push_back(cat(kind.name, kind.numbered ? ":0" : ""));
    if (kind.numbered ? name.starts_with(cat(kind.name, ":")) : name == kind.name) return kind;
  }
  fail(Code::not_found, "no device is called '", name, "'; there are: ", joined(known));
}

// Its place in the list of its kind.
size_t usable_index(const std::vector<DeviceInfo>& list, const std::string& name) {
  const auto found = std::ranges::find(list, name, &DeviceInfo::name);
  const std::string& reason = found == list.end() ? list.front().reason : found->reason;
  const std::string there =
      list.size() > 1 ? cat(list.front().name, " to ", list.back().name) : list.front().name;
  check(found != list.end() && found->usable, Code::device, "device ", name,
        " cannot be used: ", reason.empty() ? cat("this machine has ", there) : reason,
        "; `alexnet devices` and alexnet_device_name tell what can");
  return static_cast<size_t>(found - list.begin());
}

}  // namespace

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> list;
  for (const Kind& kind : kinds)
    for (DeviceInfo& device : kind.list()) list.push_back(std::move(device));
  return list;
}

DeviceInfo usable_device(const std::string& name) {
  std::vector<DeviceInfo> list = kind_of(name).list();
  return std::move(list[usable_index(list, name)]);
}

std::vector<Precision> offered_precisions(Phase phase) {
  std::set<Precision> offered;
  for (const Kind& kind : kinds)
    for (const Precision precision : kind.precisions(phase)) offered.insert(precision);
  return {offered.begin(), offered.end()};
}

std::shared_ptr<Backend> open_device(const std::string& name, int threads,
                                     const HostServices& host) {
  check(threads >= 0 && threads <= 4096, Code::invalid_argument,
        "threads must lie in 0..4096 (0: all cores), got ", threads);
  const Kind& kind = kind_of(name);
  return kind.open(kind.numbered ? usable_index(kind.list(), name) : 0, threads, host);
}

std::vector<std::shared_ptr<Backend>> open_devices(const std::string& names, int threads,
                                                   const HostServices& host) {
  std::vector<std::shared_ptr<Backend>> opened;
  for (const std::string& name : split(names, ','))
    opened.push_back(open_device(name, threads, host));
  return opened;
}

}  // namespace alx
