// Memory that parts of a loop work in while they run.
#pragma once
#include <algorithm>
#include <cstdint>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "backends/host_buffer.h"
#include "core/rounding.h"

namespace alx::onednn {

// Of memory that is counted in floats.
constexpr size_t bytes_of(int64_t floats) { return static_cast<size_t>(floats) * sizeof(float); }
constexpr int64_t floats_for(size_t bytes) {
  return static_cast<int64_t>(divide_up(bytes, sizeof(float)));
}
// Whole cache lines.
constexpr int64_t whole_lines(int64_t floats) { return round_up<int64_t>(floats, 16); }

// As many pieces as were ever in use at once. All are as large as the largest that was announced,
// so that any of them will do, and a thread mostly gets the one that is still in its cache.
class Scratch {
 public:
  explicit Scratch(std::shared_ptr<HostAllocator> allocator) : allocator_(std::move(allocator)) {}

  // Given back when it goes.
  class Piece {
   public:
    Piece(Scratch& from, std::shared_ptr<Buffer> buffer) : from_(from), buffer_(std::move(buffer)) {
      next_ = static_cast<float*>(buffer_->data());
    }
    ~Piece() { from_.put_back(std::move(buffer_)); }
    Piece(const Piece&) = delete;
    Piece& operator=(const Piece&) = delete;
    // The next so many floats of it, from a cache line's start.
    float* cut(int64_t floats) { return std::exchange(next_, next_ + whole_lines(floats)); }

   private:
    Scratch& from_;
    std::shared_ptr<Buffer> buffer_;
    float* next_;
  };

  // What somebody will take at most, by parts of which each is rounded up. Before the first take().
  void announce(std::initializer_list<int64_t> floats) {
    int64_t sum = 0;
    for (const int64_t part : floats) sum += whole_lines(part);
    const std::lock_guard lock(mutex_);
    size_ = std::max(size_, sum);
  }

  size_t bytes() const {  // of one piece
    const std::lock_guard lock(mutex_);
    return bytes_of(size_);
  }
  // Takes the memory of so many pieces now.
  void reserve(size_t count) {
    std::vector<std::unique_ptr<Piece>> pieces;
    pieces.reserve(count);
    while (pieces.size() < count) pieces.emplace_back(new Piece(take()));
  }

  Piece take() {
    const size_t bytes = this->bytes();
    std::shared_ptr<Buffer> found;
    {
      const std::lock_guard lock(mutex_);
      if (!free_.empty()) {
        found = std::move(free_.back());
        free_.pop_back();
      }
    }
    if (found && found->bytes() >= bytes) return {*this, std::move(found)};
    const bool is_new = !found;
    found = make_host_buffer(bytes, allocator_);
    const std::lock_guard lock(mutex_);
    if (is_new) free_.reserve(++made_);  // so that giving back allocates nothing
    return {*this, std::move(found)};
  }

 private:
  void put_back(std::shared_ptr<Buffer> buffer) {
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(buffer));
  }

  std::shared_ptr<HostAllocator> allocator_;
  mutable std::mutex mutex_;
  int64_t size_ = 0;
  size_t made_ = 0;  // pieces
  std::vector<std::shared_ptr<Buffer>> free_;
};

}  // namespace alx::onednn
