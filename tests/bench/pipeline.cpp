// pipeline DATA [SECONDS]: pictures a second that one thread reads, decodes, crops to 224 x 224,
// flips and normalises for torchvision's AlexNet; nothing is kept between epochs.
// tests/bench/pipeline.py compares it with torchvision.
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "data/pipeline.h"
#include "models/zoo.h"

int main(int argc, char** argv) try {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: pipeline DATA [SECONDS]\n";
    return 2;
  }
  using Clock = std::chrono::steady_clock;
  const double wanted = argc > 2 ? std::atof(argv[2]) : 3;
  const std::shared_ptr<const alx::Dataset> data = alx::Dataset::open(argv[1]);
  alx::PipelineOptions options;
  options.batch = std::min<int64_t>(32, data->size());
  options.threads = 0;
  options.cache_bytes = 0;
  alx::DataPipeline pipeline(
      data, std::make_shared<const alx::Preprocessor>(alx::make_model("alexnet").input), options);
  alx::Batch batch;
  pipeline.next(batch);  // files into the system's cache, memory allocated
  const auto begin = Clock::now();
  double seconds = 0;
  int64_t images = 0;
  while (seconds < wanted) {
    pipeline.next(batch);
    images += static_cast<int64_t>(batch.labels.size());
    seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  std::cout << static_cast<double>(images) / seconds << '\n';
} catch (const std::exception& error) {
  std::cerr << "pipeline: " << error.what() << '\n';
  return 1;
}
