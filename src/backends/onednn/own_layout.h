// Layouts of ours for weights.
#pragma once
#include "backends/backend.h"
#include "core/parallel_loop.h"

namespace alx::onednn {

// Filled from dense f32 and, where it can be, read back.
class OwnLayout : public Layout {
 public:
  // pack() takes multiples of so many rows (of the first dimension), and the rest; 0: all at once.
  virtual int64_t row_step() const { return 0; }
  virtual void pack(const float* rows, int64_t first, int64_t count, float* packed,
                    const ParallelLoop& loop) const = 0;
  virtual bool can_unpack() const { return true; }
  virtual void unpack(const float* packed, float* dense) const = 0;
};

}  // namespace alx::onednn
