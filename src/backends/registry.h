// The devices of this build. registry.cpp is the only file with build switches for backends.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backends/device_info.h"
#include "backends/host_services.h"

namespace alx {

std::vector<DeviceInfo> list_devices();

// The one of this name, without opening it. Throws as open_device() where it cannot be used.
DeviceInfo usable_device(const std::string& name);

// What some device of this build takes, in the order of the enumeration.
std::vector<Precision> offered_precisions(Phase phase);

// Opens a device by name, with this many threads (0: the machine's; those of host.loop where there
// is one). "cpu" is oneDNN where it is built in, else the reference backend. Throws where the name
// is unknown or the device cannot be used; there is no silent fallback.
std::shared_ptr<Backend> open_device(const std::string& name, int threads = 0,
                                     const HostServices& host = {});

// "cpu,cpu" -> one backend for each name.
std::vector<std::shared_ptr<Backend>> open_devices(const std::string& names, int threads = 0,
                                                   const HostServices& host = {});

}  // namespace alx
