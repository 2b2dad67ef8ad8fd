// The devices of this build. registry.cpp is the only file with build switches for backends.
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backends/host_buffer.h"

namespace alx {

// A library that a device works through, as it was loaded here.
struct LibraryInfo {
  std::string name, version, file;  // "cuDNN", "9.19.0", "/usr/local/cuda/lib64/libcudnn.so.9"
  bool operator==(const LibraryInfo&) const = default;
};

struct DeviceInfo {
  std::string name;  // "cpu", "reference", "cuda:0"
  bool usable = false;
  std::string description;  // "AMD EPYC, 2 threads, AVX-512; oneDNN 3.2.0"
  std::string reason;       // why it cannot be used, in words
  std::vector<LibraryInfo> libraries;
};
std::vector<DeviceInfo> list_devices();

// Opens a device by name, with this many threads (0: the machine's); tensors on the host come from `allocator` (null:
// operator new). "cpu" is oneDNN where it is built in, else the
// reference backend. Throws where the name is unknown or the device cannot be used; there is no silent fallback.
std::shared_ptr<Backend> open_device(const std::string& name, int threads = 0,
                                     std::shared_ptr<HostAllocator> allocator = nullptr);

// "cpu,cpu" -> one backend for each name.
std::vector<std::shared_ptr<Backend>> open_devices(const std::string& names, int threads = 0,
                                                   const std::shared_ptr<HostAllocator>& allocator = nullptr);

}  // namespace alx
