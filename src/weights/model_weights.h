// Does a weight file fit a network?
#pragma once
#include <span>
#include <string>
#include <vector>

#include "graph/spec.h"
#include "weights/weights.h"

namespace alx {

// Every parameter must be there with its shape, and nothing else but `optimizer.*`, `selftest.*`,
// scales of I8 tensors and the mean image. Throws bad_file with counts and the first names of what
// is missing, unexpected or of another shape.
void check_against(const WeightFile& file, const std::vector<ParamSpec>& params,
                   const std::string& model);

// Throws bad_file where a value is NaN or infinite: such weights would make every answer
// meaningless.
void refuse_non_finite(std::span<const float> values, const std::string& name,
                       const std::string& path);

}  // namespace alx
