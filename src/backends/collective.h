// Sums over devices of any kind.
#pragma once
#include <memory>
#include <vector>

#include "backends/backend.h"

namespace alx {

// The backends' own where they are of one kind that has one; else through the host, in the order of
// the members.
std::unique_ptr<Collective> make_collective(const std::vector<Backend*>& members);

}  // namespace alx
