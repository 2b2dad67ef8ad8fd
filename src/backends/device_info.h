// What is told of a device.
#pragma once
#include <string>
#include <vector>

#include "graph/precision.h"

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
  std::vector<Precision> inference, training;  // that it takes, where it can be used
};

}  // namespace alx
