// Pictures read and prepared by threads of their own, ahead of whoever computes with them.
#pragma once
#include <condition_variable>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "core/error.h"
#include "core/parallel_loop.h"
#include "data/preprocess.h"

namespace alx {

// Pictures by number, wherever they come from.
struct Pictures {
  int64_t count = 0;
  // Picture i, in `scratch` where it lies nowhere else. Asked for from several threads, once for
  // each, in about their order. A picture that is broken (is_broken()) is left out; any other error
  // ends the stream.
  std::function<const Image&(int64_t i, Image& scratch)> read;
};

// What crops are taken from: of each preprocessor its own; none where the picture is broken.
struct PreparedPicture {
  std::vector<Image> images;
  std::optional<Error> fault;
};

class PictureStream {
 public:
  // `ahead`: so many wait at most, and no more than 64 MB of them. `threads` 0: next() reads on
  // `loop`. A thread that the system refuses costs speed alone.
  PictureStream(Pictures pictures, std::vector<const Preprocessor*> preprocessors, int64_t ahead,
                int threads, std::shared_ptr<const ParallelLoop> loop);
  ~PictureStream();
  PictureStream(const PictureStream&) = delete;
  PictureStream& operator=(const PictureStream&) = delete;

  // The next `most` in order: fewer where they are large, and at the end, where there are none.
  std::vector<PreparedPicture> next(int64_t most);

 private:
  // By its place: number % ahead.
  struct Place {
    PreparedPicture picture;
    bool ready = false;
  };

  PreparedPicture make(int64_t i) const;
  std::vector<PreparedPicture> made_here(int64_t most);
  Place& place(int64_t i) { return places_[static_cast<size_t>(i % ahead_)]; }
  bool may_begin() const;
  bool has(int64_t wanted);
  void work();
  void end();

  const Pictures pictures_;
  const std::vector<const Preprocessor*> preprocessors_;
  const int64_t ahead_;
  const std::shared_ptr<const ParallelLoop> loop_;

  std::mutex mutex_;  // guards all below
  std::condition_variable work_, ready_;
  std::vector<Place> places_;
  int64_t begun_ = 0, taken_ = 0;  // pictures
  int64_t ready_to_ = 0;           // all below are ready
  int64_t in_the_making_ = 0;
  size_t bytes_ = 0;        // of those that wait
  std::exception_ptr end_;  // what ends the stream
  bool stop_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace alx
