// Batches for training, decoded and cropped by worker threads while the device computes, or,
// without any, in next(). They wait as bytes: floats, four times as large, are made in next().
// (Pictures that are only asked about come by network/picture_stream.h.)
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/parallel_loop.h"
#include "data/dataset.h"
#include "data/preprocess.h"
#include "data/statistics.h"

namespace alx {

// Everything drawn for one picture is a pure function of (seed, epoch, position in the epoch).
struct Augment {
  bool random_crop = true;  // else the centre
  bool flip = true;
  // zero-mean border added on each side before the crop: for 32x32 sets (the usual 4)
  int64_t pad = 0;
  // consecutive positions that share one crop and flip: 32 in the released 2012 code
  int64_t shared = 1;
  // Deviation of the draws by which each colour component is multiplied and added: 0.1 in the
  // paper; 0: none.
  float colour_noise = 0;
  // values are divided by 1 + colour_noise then, as in the released 2012 code
  bool colour_divides = false;
};

// The crop and flip of one position. `range_x`, `range_y`: how many offsets are possible.
struct CropDraw {
  int64_t x, y;
  bool mirror;
};
CropDraw draw_crop(const Augment& augment, uint64_t seed, int64_t epoch, int64_t position,
                   int64_t range_x, int64_t range_y);

// Order of an epoch: a permutation of 0..n-1, pure in (seed, epoch).
std::vector<int64_t> epoch_order(int64_t n, uint64_t seed, int64_t epoch);

struct Batch {
  std::vector<float> images;        // (N, 3, height, width)
  std::vector<int32_t> labels;      // (N)
  int64_t epoch = 0, position = 0;  // of the first row
};

struct PipelineOptions {
  int64_t batch = 128;
  uint64_t seed = 1;
  Augment augment;
  ColourComponents colours;                     // of the set; needed where there is colour noise
  int threads = 2;                              // workers; 0: everything in next()
  std::shared_ptr<const ParallelLoop> loop;     // next() makes floats on it; null: on its thread
  int queue = 4;                                // batches ready at most: back-pressure
  int64_t start_epoch = 0, start_position = 0;  // where a resumed run goes on
  size_t cache_bytes = size_t{2} << 30;         // prepared pictures kept in memory; 0: none
  // each once; may come from a worker
  std::function<void(const std::string& name, const std::string& why)> on_broken;
};

// Each epoch is shuffled, and its incomplete last batch dropped. A broken picture is named and
// counted; the next position's takes its place.
class DataPipeline {
 public:
  DataPipeline(std::shared_ptr<const Dataset> data, std::shared_ptr<const Preprocessor> preprocess,
               PipelineOptions options);
  ~DataPipeline();  // stops the workers

  // Fills `batch` (its memory is reused). It never ends, epochs follow each other.
  void next(Batch& batch);

  int64_t batches_per_epoch() const;
  int64_t broken() const;         // pictures that could not be read so far
  double seconds_waited() const;  // that next() waited for workers, in total

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace alx
