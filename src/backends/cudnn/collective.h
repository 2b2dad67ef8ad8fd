// Sums over several GPUs by NCCL.
#pragma once
#include <memory>
#include <vector>

#include "backends/cudnn/device.h"

namespace alx::cudnn {

std::unique_ptr<Collective> make_nccl_collective(const std::vector<std::shared_ptr<Device>>& devices);

}  // namespace alx::cudnn
