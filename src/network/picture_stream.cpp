#include "network/picture_stream.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "core/signals.h"
#include "data/prepared.h"

namespace alx {
namespace {

constexpr size_t most_bytes = size_t{64} << 20;  // that wait

size_t bytes_of(const PreparedPicture& picture) {
  size_t bytes = 0;
  for (const Image& image : picture.images) bytes += image.pixels.size();
  return bytes;
}

}  // namespace

PictureStream::PictureStream(Pictures pictures, std::vector<const Preprocessor*> preprocessors,
                             int64_t ahead, int threads, std::shared_ptr<const ParallelLoop> loop)
    : pictures_(std::move(pictures)),
      preprocessors_(std::move(preprocessors)),
      ahead_(std::clamp<int64_t>(ahead, 1, std::max<int64_t>(pictures_.count, 1))),
      loop_(std::move(loop)),
      places_(static_cast<size_t>(ahead_)) {
  // One picture is nothing to be ahead of.
  const auto wanted = pictures_.count == 1 ? 0 : std::min<int64_t>(threads, pictures_.count);
  const NoSignals none;
  threads_.reserve(static_cast<size_t>(wanted));
  try {
    while (static_cast<int64_t>(threads_.size()) < wanted)
      threads_.emplace_back([this] { work(); });
  } catch (const std::system_error&) {  // there are fewer, or none
  } catch (...) {
    end();
    throw;
  }
}

PictureStream::~PictureStream() { end(); }

void PictureStream::end() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

PreparedPicture PictureStream::make(int64_t i) const {
  PreparedPicture made;
  try {
    Image scratch;
    const Image& image = pictures_.read(i, scratch);
    const size_t last = preprocessors_.size() - 1;
    for (size_t p = 0; p < last; ++p) made.images.push_back(preprocessors_[p]->prepare(image));
    made.images.push_back(&image == &scratch ? preprocessors_[last]->prepare(std::move(scratch))
                                             : preprocessors_[last]->prepare(image));
  } catch (const Error& error) {
    if (!is_broken(error.code())) throw;
    made.images.clear();
    made.fault = error;
  }
  return made;
}

std::vector<PreparedPicture> PictureStream::next(int64_t most) {
  most = std::min(most, pictures_.count - taken_);
  if (threads_.empty()) return made_here(most);
  std::vector<PreparedPicture> taken;
  taken.reserve(static_cast<size_t>(most));
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [&] { return has(most); });
  if (end_) std::rethrow_exception(end_);
  for (const int64_t end = std::min(ready_to_, taken_ + most); taken_ < end; ++taken_) {
    Place& from = place(taken_);
    bytes_ -= bytes_of(from.picture);
    taken.push_back(std::move(from.picture));
    from = {};
  }
  work_.notify_all();
  return taken;
}

std::vector<PreparedPicture> PictureStream::made_here(int64_t most) {
  std::vector<PreparedPicture> all;
  const int64_t at_once = 2 * loop_->threads();
  for (size_t bytes = 0; static_cast<int64_t>(all.size()) < most && bytes < most_bytes;) {
    const size_t first = all.size();
    const int64_t count = std::min(at_once, most - static_cast<int64_t>(first));
    all.resize(first + static_cast<size_t>(count));
    (*loop_)(count, [&](int64_t i) { all[first + static_cast<size_t>(i)] = make(taken_ + i); });
    taken_ += count;
    for (size_t i = first; i < all.size(); ++i) bytes += bytes_of(all[i]);
  }
  return all;
}

// Whoever waits for the first one that is not ready gets it, whatever waits behind it.
bool PictureStream::may_begin() const {
  return !end_ && begun_ < pictures_.count && begun_ < taken_ + ahead_ &&
         (bytes_ < most_bytes || begun_ == taken_);
}

bool PictureStream::has(int64_t wanted) {
  while (ready_to_ < begun_ && place(ready_to_).ready) ++ready_to_;
  const int64_t waiting = ready_to_ - taken_;
  const bool full = waiting > 0 && in_the_making_ == 0 && !may_begin();
  return end_ || waiting >= wanted || full;
}

void PictureStream::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    work_.wait(lock, [this] { return stop_ || may_begin(); });
    if (stop_) return;
    const int64_t i = begun_++;
    ++in_the_making_;
    lock.unlock();
    PreparedPicture made;
    std::exception_ptr error;
    try {
      made = make(i);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    --in_the_making_;
    if (error && !end_) end_ = std::move(error);
    bytes_ += bytes_of(made);
    place(i) = {std::move(made), true};
    ready_.notify_one();
  }
}

}  // namespace alx
