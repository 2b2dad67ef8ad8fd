#include "data/prepared.h"

#include <utility>

#include "core/error.h"
#include "core/log.h"

namespace alx {

bool is_broken(Code code) {
  return code == Code::bad_file || code == Code::not_found || code == Code::io;
}

void fail_all_broken(const Dataset& data) {
  fail(Code::bad_file, "none of the set's ", data.size(), " pictures can be read, neither ",
       data.size() > 0 ? data.name(0) : "", " nor any other");
}

PreparedPictures::PreparedPictures(std::shared_ptr<const Dataset> data,
                                   std::shared_ptr<const Preprocessor> preprocess,
                                   size_t cache_bytes, BrokenSink on_broken)
    : data_(std::move(data)),
      preprocess_(std::move(preprocess)),
      at_least_(preprocess_->least_side()),
      cache_bytes_(cache_bytes),
      on_broken_(std::move(on_broken)),
      kept_(static_cast<size_t>(data_->size())) {}

PreparedPictures::~PreparedPictures() {
  for (const auto& kept : kept_) {
    if (kept != &broken_) delete kept.load();
  }
}

const Image* PreparedPictures::get(int64_t i, Image& scratch) {
  const Image* kept = kept_[static_cast<size_t>(i)].load(std::memory_order_acquire);
  if (kept != nullptr) return kept == &broken_ ? nullptr : kept;
  Image image;
  try {
    image = data_->image(i, at_least_);
  } catch (const Error& e) {
    if (!is_broken(e.code())) throw;
    mark_broken(i, e.what());
    return nullptr;
  }
  try {
    scratch = preprocess_->prepare(std::move(image));
  } catch (const Error& e) {
    fail(e.code(), data_->name(i), ": ", e.what());
  }
  return keep(i, scratch);
}

const Image* PreparedPictures::keep(int64_t i, Image& scratch) {
  // with what the heap adds
  const size_t bytes = scratch.pixels.size() + sizeof(Image) + 2 * sizeof(void*);
  if (used_.fetch_add(bytes) + bytes > cache_bytes_) {
    used_ -= bytes;
    return &scratch;
  }
  auto made = std::make_unique<const Image>(std::move(scratch));
  const Image* known = nullptr;
  if (kept_[static_cast<size_t>(i)].compare_exchange_strong(known, made.get(),
                                                            std::memory_order_acq_rel)) {
    return made.release();
  }
  used_ -= bytes;  // another thread was first
  return known == &broken_ ? nullptr : known;
}

void PreparedPictures::mark_broken(int64_t i, const std::string& why) {
  const Image* known = nullptr;
  if (!kept_[static_cast<size_t>(i)].compare_exchange_strong(known, &broken_)) return;
  ++broken_count_;
  if (on_broken_) {
    on_broken_(data_->name(i), why);
  } else {
    log_line(LogLevel::warning, why);
  }
}

}  // namespace alx
