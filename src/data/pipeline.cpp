#include "data/pipeline.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "core/error.h"
#include "core/process.h"
#include "core/workers.h"
#include "data/prepared.h"

namespace alx {
namespace {

// One batch in the making or ready. Workers fill it in pieces of a few rows.
struct Slot {
  Batch batch;  // without images
  std::vector<uint8_t> bytes;
  std::vector<Crop> crops;                            // (N), of `bytes`
  std::shared_ptr<const std::vector<int64_t>> order;  // of its epoch
  int64_t number = -1;
  int64_t rows_done = 0;
  std::exception_ptr error;
};

int64_t checked_size(const Dataset* data, const Preprocessor* preprocess,
                     const PipelineOptions& options) {
  check(data != nullptr && preprocess != nullptr, Code::invalid_argument,
        "a data pipeline needs a set and a preprocessor");
  const int64_t size = data->size();
  check(size > 0, Code::invalid_argument,
        "a data pipeline needs a set with pictures; this one is empty");
  check(options.batch > 0 && options.batch <= (1 << 20), Code::invalid_argument, "a batch of ",
        options.batch, " pictures; 1 to ", 1 << 20, " are possible");
  check(options.batch <= size, Code::invalid_argument, "a training batch of ", options.batch,
        " pictures from a set of ", size, "; make the batch ", size, " or smaller");
  check(options.threads >= 0 && options.threads <= 1024, Code::invalid_argument, options.threads,
        " threads for reading pictures; 0 to 1024 are possible");
  check(options.queue > 0 && options.queue <= 1024, Code::invalid_argument, "a queue of ",
        options.queue, " batches; 1 to 1024 are possible");
  check(options.augment.pad >= 0 && options.augment.pad <= (1 << 15), Code::invalid_argument,
        "a border of ", options.augment.pad, " pixels");
  check(options.augment.colour_noise >= 0 && options.augment.colour_noise <= 10,
        Code::invalid_argument, "colour noise of ", options.augment.colour_noise,
        "; 0 to 10 are possible");
  check(options.augment.shared > 0, Code::invalid_argument, options.augment.shared,
        " pictures that share a crop");
  check(options.start_epoch >= 0 && options.start_position >= 0 && options.start_position <= size,
        Code::invalid_argument, "a start at epoch ", options.start_epoch, ", position ",
        options.start_position, " in a set of ", size);
  return size;
}

PipelineOptions completed(PipelineOptions options) {
  if (!options.loop) options.loop = make_workers(1);
  return options;
}

// The same crop of a copy of its bytes, row behind row at `to`: its picture may not stay.
Crop copied(Crop crop, uint8_t* to) {
  const int64_t row_bytes = 3 * (crop.right - crop.left);
  for (int64_t row = 0; row < crop.bottom - crop.top; ++row)
    std::copy_n(crop.pixels + row * crop.stride, row_bytes, to + row * row_bytes);
  crop.pixels = to;
  crop.stride = row_bytes;
  return crop;
}

}  // namespace

struct DataPipeline::Impl {
 public:
  Impl(std::shared_ptr<const Dataset> data, std::shared_ptr<const Preprocessor> preprocess,
       PipelineOptions options)
      : data_(std::move(data)),
        preprocess_(std::move(preprocess)),
        options_(completed(std::move(options))),
        size_(checked_size(data_.get(), preprocess_.get(), options_)),
        pictures_(data_, preprocess_, options_.cache_bytes, options_.on_broken),
        slots_(options_.threads == 0 ? 1 : static_cast<size_t>(options_.queue)) {
    first_epoch_batches_ = batches_in(size_ - options_.start_position);
    piece_ = std::clamp<int64_t>(options_.batch / (4 * std::max(options_.threads, 1)), 1, 32);
    values_ = static_cast<size_t>(3 * preprocess_->input().width * preprocess_->input().height);
  }

  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    work_.notify_all();
    for (std::thread& worker : workers_) worker.join();
  }

  void start_workers() {
    try {
      while (workers_.size() < static_cast<size_t>(options_.threads))
        workers_.emplace_back([this] { work(); });
    } catch (const std::system_error& e) {
      fail(Code::out_of_memory, "thread ", workers_.size() + 1, " of ", options_.threads,
           " for reading pictures could not be started: ", e.what(), "; ask for fewer");
    }
  }

  void next(Batch& batch) {
    Slot& slot = slots_[static_cast<size_t>(taken_ % static_cast<int64_t>(slots_.size()))];
    if (workers_.empty()) {
      open(slot, taken_);
      fill_rows(slot, 0, options_.batch);
    } else {
      wait_for(slot);
    }
    // Without the lock: workers leave a whole batch alone until it is taken.
    hand_over(slot, batch);
    const std::lock_guard lock(mutex_);
    ++taken_;
    work_.notify_all();
  }

  int64_t batches_per_epoch() const { return batches_in(size_); }
  int64_t broken() const { return pictures_.broken(); }
  double seconds_waited() const {
    const std::lock_guard lock(mutex_);
    return waited_;
  }
  bool has_lost_workers() const { return !workers_.empty() && process_ != process_id(); }

 private:
  int64_t batches_in(int64_t pictures) const { return pictures / options_.batch; }
  bool can_issue() const { return issued_ < taken_ + static_cast<int64_t>(slots_.size()); }

  void wait_for(const Slot& slot) {
    check(!has_lost_workers(), Code::invalid_state,
          "the threads that read pictures are not in this process, which fork() ",
          "made from theirs; make the trainer in the process that trains");
    std::unique_lock lock(mutex_);
    const auto is_ready = [&] { return slot.number == taken_ && slot.rows_done == options_.batch; };
    if (!is_ready()) {
      const auto start = std::chrono::steady_clock::now();
      ready_.wait(lock, is_ready);
      waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    }
    if (slot.error) std::rethrow_exception(slot.error);  // and again, should next() be called again
  }

  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      work_.wait(lock, [this] { return stop_ || can_issue(); });
      if (stop_) return;
      Slot& slot = slots_[static_cast<size_t>(issued_ % static_cast<int64_t>(slots_.size()))];
      const int64_t first = issued_row_, last = std::min(first + piece_, options_.batch);
      std::exception_ptr error;
      if (first == 0) {
        try {
          open(slot, issued_);
        } catch (...) {
          slot.error = std::current_exception();
        }
      }
      issued_row_ = last == options_.batch ? 0 : last;
      issued_ += last == options_.batch ? 1 : 0;
      if (!slot.error) {
        lock.unlock();
        try {
          fill_rows(slot, first, last);
        } catch (...) {
          error = std::current_exception();
        }
        lock.lock();
      }
      if (error && !slot.error) slot.error = std::move(error);
      slot.rows_done += last - first;
      if (slot.rows_done == options_.batch) ready_.notify_all();
    }
  }

  // Called with the lock held, or without workers.
  void open(Slot& slot, int64_t number) {
    slot.number = number;
    slot.rows_done = 0;
    slot.error = nullptr;
    const int64_t later = number - first_epoch_batches_;
    Batch& batch = slot.batch;
    batch.epoch = options_.start_epoch + (later < 0 ? 0 : 1 + later / batches_per_epoch());
    batch.position = later < 0 ? options_.start_position + number * options_.batch
                               : later % batches_per_epoch() * options_.batch;
    const auto rows = static_cast<size_t>(options_.batch);
    batch.labels.resize(rows);
    slot.bytes.resize(rows * values_);
    slot.crops.resize(rows);
    if (order_epoch_ != batch.epoch) {
      order_ = std::make_shared<const std::vector<int64_t>>(
          epoch_order(size_, options_.seed, batch.epoch));
      order_epoch_ = batch.epoch;
    }
    slot.order = order_;
  }

  void fill_rows(Slot& slot, int64_t first, int64_t last) {
    Image scratch;
    Batch& batch = slot.batch;
    for (int64_t row = first; row < last; ++row) {
      const auto r = static_cast<size_t>(row);
      const Image* image = nullptr;
      const int64_t index = picture_at(slot, batch.position + row, image, scratch);
      slot.crops[r] = copied(crop_at(*image, batch.epoch, batch.position + row),
                             slot.bytes.data() + r * values_);
      batch.labels[r] = static_cast<int32_t>(data_->label(index));
    }
  }

  // Index of the picture for this position, or of the next position's where it is broken.
  int64_t picture_at(const Slot& slot, int64_t position, const Image*& image, Image& scratch) {
    for (int64_t i = 0; i < size_; ++i) {
      const int64_t index = (*slot.order)[static_cast<size_t>((position + i) % size_)];
      image = pictures_.get(index, scratch);
      if (image != nullptr) return index;
    }
    fail_all_broken(*data_);
  }

  Crop crop_at(const Image& image, int64_t epoch, int64_t position) const {
    const InputSpec& input = preprocess_->input();
    const int64_t pad = options_.augment.pad;
    const CropDraw draw = draw_crop(options_.augment, options_.seed, epoch, position,
                                    image.width + 2 * pad - input.width + 1,
                                    image.height + 2 * pad - input.height + 1);
    return preprocess_->crop(image, draw.x - pad, draw.y - pad, draw.mirror);
  }

  // Makes the floats, in the memory that `batch` has for them and keeps.
  void hand_over(Slot& slot, Batch& batch) const {
    batch.images.resize(slot.bytes.size());
    (*options_.loop)(options_.batch, [&](int64_t row) {
      const auto r = static_cast<size_t>(row);
      const std::span<float> out(batch.images.data() + r * values_, values_);
      preprocess_->fill(slot.crops[r], out);
      add_noise(slot.batch.epoch, slot.batch.position + row, out);
    });
    std::swap(slot.batch.images, batch.images);
    std::swap(slot.batch, batch);
  }

  void add_noise(int64_t epoch, int64_t position, std::span<float> out) const {
    const float noise = options_.augment.colour_noise;
    if (noise == 0) return;
    preprocess_->add_colour(draw_colour(options_.colours, noise, options_.seed, epoch, position),
                            out);
    if (options_.augment.colour_divides)
      for (float& v : out) v /= 1 + noise;
  }

  const std::shared_ptr<const Dataset> data_;
  const std::shared_ptr<const Preprocessor> preprocess_;
  const PipelineOptions options_;
  const int64_t size_;
  int64_t first_epoch_batches_ = 0;  // those left of the epoch a resumed run starts in
  int64_t piece_ = 1;
  size_t values_ = 0;  // of one image
  PreparedPictures pictures_;

  mutable std::mutex mutex_;  // guards all below, except a slot's rows while they are made
  std::condition_variable work_, ready_;
  std::vector<Slot> slots_;
  std::shared_ptr<const std::vector<int64_t>> order_;
  int64_t order_epoch_ = -1;
  int64_t issued_ = 0, issued_row_ = 0,
          taken_ = 0;  // batches given out to workers, rows of the next one, taken by next()
  double waited_ = 0;
  bool stop_ = false;
  std::vector<std::thread> workers_;
  const int64_t process_ = process_id();
};

DataPipeline::DataPipeline(std::shared_ptr<const Dataset> data,
                           std::shared_ptr<const Preprocessor> preprocess, PipelineOptions options)
    : impl_(std::make_unique<Impl>(std::move(data), std::move(preprocess), std::move(options))) {
  impl_->start_workers();
}

DataPipeline::~DataPipeline() {
  // nobody to wait for; the parent's copy frees itself
  if (impl_->has_lost_workers()) (void)impl_.release();
}
void DataPipeline::next(Batch& batch) { impl_->next(batch); }
int64_t DataPipeline::batches_per_epoch() const { return impl_->batches_per_epoch(); }
int64_t DataPipeline::broken() const { return impl_->broken(); }
double DataPipeline::seconds_waited() const { return impl_->seconds_waited(); }

}  // namespace alx
