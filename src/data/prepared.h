// The pictures of a set after decoding and resizing, kept in memory as far as allowed.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/error.h"
#include "data/dataset.h"
#include "data/preprocess.h"

namespace alx {

using BrokenSink = std::function<void(const std::string& name, const std::string& why)>;

// Faults of one picture; anything else stops the run.
bool is_broken(Code code);
[[noreturn]] void fail_all_broken(const Dataset& data);

// Safe from several threads. What is kept changes no result, only its speed.
class PreparedPictures {
 public:
  // Large JPEGs are decoded at a fraction of their size.
  PreparedPictures(std::shared_ptr<const Dataset> data,
                   std::shared_ptr<const Preprocessor> preprocess, size_t cache_bytes,
                   BrokenSink on_broken);
  ~PreparedPictures();
  PreparedPictures(const PreparedPictures&) = delete;
  PreparedPictures& operator=(const PreparedPictures&) = delete;

  // Picture i: the kept one, else made in `scratch`. Null where it cannot be read, which is told
  // once.
  const Image* get(int64_t i, Image& scratch);
  int64_t broken() const { return broken_count_; }

 private:
  void mark_broken(int64_t i, const std::string& why);
  const Image* keep(int64_t i, Image& scratch);

  std::shared_ptr<const Dataset> data_;
  std::shared_ptr<const Preprocessor> preprocess_;
  int64_t at_least_;
  size_t cache_bytes_;
  BrokenSink on_broken_;
  std::vector<std::atomic<const Image*>> kept_;  // null: not yet; &broken_: cannot be read
  const Image broken_{};
  std::atomic<size_t> used_{0};
  std::atomic<int64_t> broken_count_{0};
};

}  // namespace alx
