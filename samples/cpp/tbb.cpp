// Names what is in pictures, on the threads that the program has from oneTBB anyway: tbb
// PICTURE... The library starts none to compute.
#include <tbb/parallel_for.h>
#include <tbb/partitioner.h>
#include <tbb/task_arena.h>

#include <alexnet/alexnet.hpp>
#include <cstdio>
#include <exception>
#include <optional>
#include <vector>

namespace {

// isolate(): while this thread waits for others it takes no task of the program's, which might call
// the library again.
void on_tbb(int64_t parts, alexnet::RunPart run) {
  tbb::this_task_arena::isolate(
      [&] { tbb::parallel_for(int64_t{0}, parts, int64_t{1}, run, tbb::simple_partitioner()); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: tbb PICTURE...\n");
    return 2;
  }
  try {
    alexnet::Context context;
    context.set_parallel_for(on_tbb, tbb::this_task_arena::max_concurrency());
    const alexnet::Model model(context);
    alexnet::SessionOptions options;
    options.batch = argc - 1;
    alexnet::Session session(model, options);

    std::vector<std::optional<alexnet::Image>> read(static_cast<size_t>(argc - 1));
    tbb::parallel_for(size_t{0}, read.size(),
                      [&](size_t i) { read[i] = alexnet::Image::from_file(argv[i + 1]); });
    std::vector<alexnet::Image> images;
    for (std::optional<alexnet::Image>& image : read) images.push_back(std::move(*image));
    const alexnet::Result result = session.classify(images);
    for (int64_t i = 0; i < result.count(); ++i) {
      const alexnet::Answer best = result.top(1, i).front();
      std::printf("%5.1f%%  %s  %s\n", 100.0 * best.probability, best.label.c_str(), argv[i + 1]);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tbb: %s\n", error.what());
    return 1;
  }
}
