// One step of a rule over a parameter.
#pragma once
#include "backends/backend.h"
#include "backends/vectors/target.h"

namespace alx::vectors {

// Elements [first, last).
void update(Target target, const Update& update, const StepContext& step, int64_t first,
            int64_t last);

}  // namespace alx::vectors
