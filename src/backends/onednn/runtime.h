// What all kernels of this backend share.
#pragma once
#include <algorithm>
#include <memory>
#include <string>

#include <oneapi/dnnl/dnnl.hpp>

#include "backends/onednn/scratch.h"
#include "backends/vectors/target.h"
#include "core/parallel_loop.h"

namespace alx::onednn {

struct Runtime {
  dnnl::engine engine;
  std::shared_ptr<const ParallelLoop> loop;
  vectors::Target target;
  std::shared_ptr<Scratch> of_part;  // what one part of a loop works in

  int threads() const { return loop->threads(); }
  // Whether so few images are there that each is cut into parts: not two for each thread.
  bool cuts_images(int64_t images) const { return images < 2 * threads(); }
  std::string vectors_name() const;  // for people: "vectors:avx2"
};

// So few images go through a run of layers at once that every thread has several groups.
inline int64_t group_size(const Runtime& runtime, int64_t images) {
  int64_t group = 4;
  while (group > 1 && images < group * 2 * runtime.threads()) group /= 2;
  return group;
}

// f(first image, how many) for these groups.
template <class F>
void each_group(const Runtime& runtime, int64_t images, const F& f) {
  const int64_t group = group_size(runtime, images);
  (*runtime.loop)(divide_up(images, group),
                  [&](int64_t i) { f(i * group, std::min(group, images - i * group)); });
}

// f(first, last) for parts of 0..count, a few for each thread, of at least `least`.
template <class F>
void each_range(const Runtime& runtime, int64_t count, int64_t least, const F& f) {
  const int64_t parts =
      std::clamp<int64_t>(count / std::max<int64_t>(least, 1), 1, 4 * runtime.threads());
  (*runtime.loop)(parts, [&](int64_t i) { f(count * i / parts, count * (i + 1) / parts); });
}

// f(image, first row, one beyond the last) for parts of the images' rows.
template <class F>
void each_rows(const Runtime& runtime, int64_t images, int64_t height, const F& f) {
  each_range(runtime, images * height, 1, [&](int64_t first, int64_t last) {
    while (first < last) {
      const int64_t image = first / height, end = std::min(last, (image + 1) * height);
      f(image, first - image * height, end - image * height);
      first = end;
    }
  });
}

// While it lives, oneDNN plans for, and runs on, this thread alone: loops are ours. It asks OpenMP
// how many threads to use, whose setting for this thread is given back.
class OneThread {
 public:
  OneThread();
  ~OneThread();
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_;
};

}  // namespace alx::onednn
