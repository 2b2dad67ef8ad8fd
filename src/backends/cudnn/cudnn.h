// The GPU backend: convolutions, pooling, normalisation and softmax by cuDNN 9, fully connected
// layers by cuBLAS, the rest by kernels of our own. The libraries are loaded when the first device
// is opened or listed.
#pragma once
#include <memory>
#include <vector>

#include "backends/backend.h"
#include "backends/device_info.h"

namespace alx {

// cuda:0, cuda:1 and so on; where none can be used, cuda:0 with the reason.
std::vector<DeviceInfo> list_cudnn_devices();

// that GPUs take, bf16 those from Ampere (2020) on
std::vector<Precision> cudnn_precisions(Phase phase);

// The device of this index. Each backend is used by one thread at a time; several may exist on one
// device.
std::shared_ptr<Backend> make_cudnn_backend(int index);

}  // namespace alx
