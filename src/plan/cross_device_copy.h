// An edge between two different devices.
#pragma once
#include <memory>

#include "backends/backend.h"

namespace alx {

// Dense memory at both ends; `grad`: it carries a gradient back.
std::unique_ptr<Kernel> make_cross_device_copy(std::shared_ptr<Backend> from,
                                               std::shared_ptr<Backend> to, const TensorDesc& value,
                                               bool grad);

}  // namespace alx
