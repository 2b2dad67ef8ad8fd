#include "core/signals.h"

namespace alx {

struct NoSignals::Mask {};  // Windows has no signals that threads take

NoSignals::NoSignals() = default;
NoSignals::~NoSignals() = default;

}  // namespace alx
