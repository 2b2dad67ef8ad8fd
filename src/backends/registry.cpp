#include "backends/registry.h"

#include <thread>

#include "backends/reference/reference.h"
#include "core/error.h"
#ifdef ALEXNET_WITH_ONEDNN
#include "backends/onednn/onednn.h"
#endif

namespace alx {
namespace {

struct Device {
  const char* name;
  std::string (*describe)();  // asks the machine, so only when somebody wants to know
  const char* reason;         // why it cannot be used; open is then null
  std::shared_ptr<Backend> (*open)(int threads, std::shared_ptr<HostAllocator> allocator);
};

std::shared_ptr<Backend> open_reference(int, std::shared_ptr<HostAllocator> allocator) {
  return make_reference_backend(std::move(allocator));
}

constexpr Device devices[] = {
#ifdef ALEXNET_WITH_ONEDNN
    {"cpu", describe_onednn, "", make_onednn_backend},
#else
    {"cpu", [] { return std::string("plain loops, 1 thread; built without oneDNN"); }, "", open_reference},
#endif
    {"reference", [] { return std::string("plain loops with double accumulators, 1 thread: to check others against"); },
     "", open_reference},
    {"cuda:0", [] { return std::string(); }, "this build has no CUDA backend", nullptr},
};

}  // namespace

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> list;
  for (const Device& device : devices)
    list.push_back({device.name, device.open != nullptr, device.describe(), device.reason});
  return list;
}

std::shared_ptr<Backend> open_device(const std::string& name, int threads, std::shared_ptr<HostAllocator> allocator) {
  check(threads >= 0 && threads <= 4096, Code::invalid_argument, "threads must lie in 0..4096 (0: all cores), got ",
        threads);
  std::string known;
  for (const Device& device : devices) {
    known += cat(known.empty() ? "" : ", ", device.name);
    const bool same =
        name == device.name || (name.starts_with("cuda:") && !device.open);  // no GPU of this build can be used
    if (!same) continue;
    check(device.open != nullptr, Code::device, "device ", name, " cannot be used: ", device.reason,
          "; `alexnet devices` and alexnet_device_name tell what can");
    return device.open(threads, std::move(allocator));
  }
  fail(Code::not_found, "no device is called '", name, "'; there are: ", known);
}

std::vector<std::shared_ptr<Backend>> open_devices(const std::string& names, int threads,
                                                   const std::shared_ptr<HostAllocator>& allocator) {
  std::vector<std::shared_ptr<Backend>> opened;
  size_t start = 0;
  while (start <= names.size()) {
    const size_t comma = std::min(names.find(',', start), names.size());
    opened.push_back(open_device(names.substr(start, comma - start), threads, allocator));
    start = comma + 1;
  }
  return opened;
}

}  // namespace alx
