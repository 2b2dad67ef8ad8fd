#include "backends/registry.h"

#include <algorithm>
#include <thread>

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

struct HostDevice {
  const char* name;
  std::string (*describe)();  // asks the machine, so only when somebody wants to know
  std::shared_ptr<Backend> (*open)(int threads, std::shared_ptr<HostAllocator> allocator);
  std::vector<Precision> (*precisions)(Phase phase);
};

std::shared_ptr<Backend> open_reference(int, std::shared_ptr<HostAllocator> allocator) {
  return make_reference_backend(std::move(allocator));
}

constexpr HostDevice host_devices[] = {
#ifdef ALEXNET_WITH_ONEDNN
    {"cpu", describe_onednn, make_onednn_backend, onednn_precisions},
#else
    {"cpu", [] { return std::string("plain loops, 1 thread; built without oneDNN"); }, open_reference,
     reference_precisions},
#endif
    {"reference", [] { return std::string("plain loops with double accumulators, 1 thread: to check others against"); },
     open_reference, reference_precisions},
};

#ifndef ALEXNET_WITH_CUDA
std::vector<DeviceInfo> list_cudnn_devices() {
  return {{"cuda:0", false, "", "this build has no CUDA backend", {}, {}, {}}};
}
std::shared_ptr<Backend> make_cudnn_backend(int) { return nullptr; }  // none of them is usable
std::vector<Precision> cudnn_precisions(Phase) { return {}; }
#endif

std::shared_ptr<Backend> open_gpu(const std::string& name) {
  const std::vector<DeviceInfo> gpus = list_cudnn_devices();
  const auto usable = [](const std::string& reason) {
    check(reason.empty(), Code::device, reason, "; `alexnet devices` and alexnet_device_name tell what can");
  };
  for (size_t index = 0; index < gpus.size(); ++index) {
    if (!gpus[index].usable) usable(cat("device ", name, " cannot be used: ", gpus[index].reason));
    if (gpus[index].name == name) return make_cudnn_backend(static_cast<int>(index));
  }
  usable(cat("device ", name, " cannot be used: this machine has cuda:0",
             gpus.size() > 1 ? cat(" to cuda:", gpus.size() - 1) : std::string()));
  return nullptr;
}

}  // namespace

std::vector<DeviceInfo> list_devices() {
  std::vector<DeviceInfo> list;
  for (const HostDevice& device : host_devices)
    list.push_back({device.name,
                    true,
                    device.describe(),
                    "",
                    {},
                    device.precisions(Phase::inference),
                    device.precisions(Phase::training)});
  for (DeviceInfo& gpu : list_cudnn_devices()) list.push_back(std::move(gpu));
  return list;
}

std::vector<Precision> offered_precisions(Phase phase) {
  std::vector<Precision> offered = cudnn_precisions(phase);
  for (const HostDevice& device : host_devices)
    for (const Precision precision : device.precisions(phase))
      if (!std::ranges::count(offered, precision)) offered.push_back(precision);
  std::ranges::sort(offered);
  return offered;
}

std::shared_ptr<Backend> open_device(const std::string& name, int threads, std::shared_ptr<HostAllocator> allocator) {
  check(threads >= 0 && threads <= 4096, Code::invalid_argument, "threads must lie in 0..4096 (0: all cores), got ",
        threads);
  std::string known;
  for (const HostDevice& device : host_devices) {
    if (name == device.name) return device.open(threads, std::move(allocator));
    known += cat(device.name, ", ");
  }
  if (name.starts_with("cuda:")) return open_gpu(name);
  fail(Code::not_found, "no device is called '", name, "'; there are: ", known, "cuda:0");
}

std::vector<std::shared_ptr<Backend>> open_devices(const std::string& names, int threads,
                                                   const std::shared_ptr<HostAllocator>& allocator) {
  std::vector<std::shared_ptr<Backend>> opened;
  for (const std::string& name : split(names, ',')) opened.push_back(open_device(name, threads, allocator));
  return opened;
}

}  // namespace alx
