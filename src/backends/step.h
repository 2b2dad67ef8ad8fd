#pragma once
#include <cstdint>

namespace alx {

// What changes from step to step. Everything else is bound once.
struct StepContext {
  uint64_t seed = 0, step = 0;
  int64_t first_image = 0;  // index of this batch's first image in the global batch
  // images in the global batch: the divisor of the mean loss; 0: this batch
  int64_t global_batch = 0;
  // of the mean loss instead, where classes have weights: those of the global batch's images in
  // all; 0: their number
  float loss_divisor = 0;
  float loss_scale = 1;  // of every gradient, so that small ones survive in fp16
  float rate = 0;        // learning rate
  bool operator==(const StepContext&) const = default;
};

}  // namespace alx
