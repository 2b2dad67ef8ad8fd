// Pictures gathered for convolutions: padded, channels side by side.
#pragma once
#include <cstdint>

namespace alx::onednn {

// A picture in blocks of stride x stride pixels, from the padding on, so many of them down and
// across; what lies outside is zero.
struct Blocks {
  int64_t stride, channels, height, width;  // of the picture
  int64_t top, left;                        // padding
  int64_t down, across, padded;             // padded: channels of a block, in whole vectors
  bool dense;                               // the picture's channels lie apart, not side by side

  int64_t floats() const { return down * across * padded; }
  // Rows [first, last) of blocks of one picture.
  void gather(const float* picture, float* blocks, int64_t first, int64_t last) const;
  void scatter(const float* blocks, float* picture) const;  // all of it

 private:
  template <class Visit>
  void each_run(int64_t first, int64_t last, Visit visit) const;
};

}  // namespace alx::onednn
