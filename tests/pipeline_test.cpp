// Batches: in order, equal whatever the threads and the cache, and honest about broken pictures.
#include "data/pipeline.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "core/workers.h"
#include "counted_loop.h"
#include "data/resize.h"
#include "refusal.h"

namespace alx {
namespace {

constexpr int64_t side = 8;

// Picture i has label i; its pixels are made from i and their place.
class FakeDataset final : public Dataset {
 public:
  explicit FakeDataset(int64_t size, std::set<int64_t> broken = {}, Code code = Code::bad_file)
      : size_(size), broken_(std::move(broken)), code_(code) {}
  int64_t size() const override { return size_; }
  int64_t label(int64_t i) const override { return i; }
  std::string name(int64_t i) const override { return cat("picture ", i); }
  Image image(int64_t i, int64_t) const override {
    ++decoded;
    if (broken_.count(i) != 0) fail(code_, name(i), ": is broken");
    Image image{side + i % 3, side, {}};
    for (int64_t p = 0; p < image.width * side * 3; ++p)
      image.pixels.push_back(static_cast<uint8_t>(p * 7 + i));
    return image;
  }
  mutable std::atomic<int64_t> decoded{0};

 private:
  int64_t size_;
  std::set<int64_t> broken_;
  Code code_;
};

std::shared_ptr<const Preprocessor> preprocessor() {
  InputSpec input;
  input.width = input.height = 6;
  input.resize_size = side;
  input.scale = 255;
  input.mean = {100, 110, 120};
  return std::make_shared<Preprocessor>(input);
}

PipelineOptions options(int threads, int64_t batch = 4) {
  PipelineOptions options;
  options.batch = batch;
  options.threads = threads;
  options.queue = 3;
  options.seed = 42;
  return options;
}

std::vector<Batch> take(DataPipeline& pipeline, int64_t most) {
  std::vector<Batch> batches(static_cast<size_t>(most));
  for (Batch& batch : batches) pipeline.next(batch);
  return batches;
}

std::vector<Batch> run(const std::shared_ptr<const Dataset>& data, const PipelineOptions& with,
                       int64_t most = 11) {
  DataPipeline pipeline(data, preprocessor(), with);
  return take(pipeline, most);
}

void expect_equal(const std::vector<Batch>& a, const std::vector<Batch>& b) {
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].labels, b[i].labels) << i;
    EXPECT_EQ(a[i].images, b[i].images) << i;
    EXPECT_EQ(a[i].epoch, b[i].epoch) << i;
    EXPECT_EQ(a[i].position, b[i].position) << i;
  }
}

TEST(Pipeline, TheSameWhateverThreadsAndCache) {
  const auto data = std::make_shared<FakeDataset>(14, std::set<int64_t>{3, 9});
  PipelineOptions with = options(0);
  with.augment.pad = 2;
  const std::vector<Batch> expected = run(data, with);
  for (int threads : {1, 2, 5}) {
    for (size_t cache : {size_t{0}, size_t{700}, size_t{1} << 20}) {
      with.threads = threads;
      with.loop = make_workers(threads);
      with.cache_bytes = cache;
      expect_equal(run(data, with), expected);
    }
  }
}

TEST(Pipeline, AnEpochHoldsEveryPictureOnce) {
  const auto batches = run(std::make_shared<FakeDataset>(14), options(2));
  for (int64_t epoch = 0; epoch < 3; ++epoch) {
    std::set<int32_t> seen;
    for (int64_t b = 0; b < 3; ++b) {
      const Batch& batch = batches[static_cast<size_t>(epoch * 3 + b)];
      EXPECT_EQ(batch.epoch, epoch);
      EXPECT_EQ(batch.position, b * 4);
      seen.insert(batch.labels.begin(), batch.labels.end());
    }
    EXPECT_EQ(seen.size(), 12u);  // two are left over
  }
  EXPECT_NE(batches[0].labels, batches[3].labels);
}

TEST(Pipeline, ResumesWhereItIsTold) {
  const auto data = std::make_shared<FakeDataset>(14);
  const std::vector<Batch> whole = run(data, options(2));
  PipelineOptions resumed = options(2);
  resumed.start_epoch = 1;
  resumed.start_position = 8;
  expect_equal(run(data, resumed, 3), {whole.begin() + 5, whole.begin() + 8});
  resumed.start_position = 12;  // no whole batch is left of this epoch
  expect_equal(run(data, resumed, 3), {whole.begin() + 6, whole.begin() + 9});
}

TEST(Pipeline, BrokenPicturesAreNamedOnceAndReplaced) {
  const auto data = std::make_shared<FakeDataset>(8, std::set<int64_t>{2, 5});
  std::mutex mutex;
  std::map<std::string, int> named;
  PipelineOptions with = options(3);
  with.on_broken = [&](const std::string& name, const std::string& why) {
    const std::lock_guard lock(mutex);
    ++named[name];
    EXPECT_TRUE(has(why, "is broken"));
  };
  DataPipeline pipeline(data, preprocessor(), with);
  const std::vector<int64_t> order = epoch_order(8, 42, 0);
  for (const Batch& batch : take(pipeline, 2)) {
    for (size_t r = 0; r < 4; ++r) {
      auto position = static_cast<size_t>(batch.position) + r;
      while (order[position % 8] == 2 || order[position % 8] == 5) ++position;
      EXPECT_EQ(batch.labels[r], order[position % 8]);
    }
  }
  take(pipeline, 6);
  EXPECT_EQ(pipeline.broken(), 2);
  EXPECT_EQ(named, (std::map<std::string, int>{{"picture 2", 1}, {"picture 5", 1}}));
}

TEST(Pipeline, FailuresReachNext) {
  for (int threads : {0, 2}) {
    const auto all_broken = std::make_shared<FakeDataset>(5, std::set<int64_t>{0, 1, 2, 3, 4});
    DataPipeline pipeline(all_broken, preprocessor(), options(threads));
    Batch batch;
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(has(error_of([&] { pipeline.next(batch); }, Code::bad_file),
                      "none of the set's 5 pictures"));
    }
    // What is no fault of one picture ends the run, behind the batches before it.
    const auto fatal = std::make_shared<FakeDataset>(12, std::set<int64_t>{9}, Code::out_of_memory);
    DataPipeline ends(fatal, preprocessor(), options(threads));
    const std::vector<int64_t> order = epoch_order(12, 42, 0);
    const auto place = std::find(order.begin(), order.end(), 9) - order.begin();
    for (std::ptrdiff_t i = 0; i < place / 4; ++i) ends.next(batch);
    EXPECT_TRUE(has(error_of([&] { ends.next(batch); }, Code::out_of_memory), "picture 9"));
  }
}

TEST(Pipeline, AThrowingCallbackReachesNext) {
  PipelineOptions with = options(2);
  with.on_broken = [](const std::string&, const std::string&) {
    throw std::runtime_error("from the callback");
  };
  DataPipeline pipeline(std::make_shared<FakeDataset>(8, std::set<int64_t>{0}), preprocessor(),
                        with);
  EXPECT_THROW(take(pipeline, 4), std::runtime_error);
}

TEST(Pipeline, StopsAtAnyTime) {
  for (int taken = 0; taken < 4; ++taken) {
    DataPipeline pipeline(std::make_shared<FakeDataset>(100), preprocessor(), options(4));
    take(pipeline, taken);
  }
}

TEST(Pipeline, CachedPicturesAreDecodedOnceAndBatchesReuseMemory) {
  const auto data = std::make_shared<FakeDataset>(8);
  DataPipeline pipeline(data, preprocessor(), options(0));
  Batch batch;
  for (int i = 0; i < 2; ++i) pipeline.next(batch);
  std::set<const float*> places;
  for (int i = 0; i < 20; ++i) {
    pipeline.next(batch);
    places.insert(batch.images.data());
  }
  EXPECT_EQ(data->decoded, 8);
  EXPECT_LE(places.size(), 2u);
  const auto again = std::make_shared<FakeDataset>(8);
  PipelineOptions uncached = options(0);
  uncached.cache_bytes = 0;
  run(again, uncached, 6);
  EXPECT_EQ(again->decoded, 24);
}

TEST(Pipeline, TheBorderIsTheMean) {
  PipelineOptions with = options(0, 1);
  with.augment = {false, false, 1, 1};
  InputSpec input;
  input.width = input.height = side + 2;
  input.resize = InputSpec::Resize::none;
  input.scale = 255;
  input.mean = {1, 2, 3};
  const auto small = std::make_shared<FakeDataset>(1);
  EXPECT_TRUE(has(error_of([&] {
                    Batch batch;
                    DataPipeline(small, std::make_shared<Preprocessor>(input), with).next(batch);
                  }),
                  "picture 0: "));
  input.width = input.height = side;
  with.augment.pad = 3;
  with.augment.random_crop = true;
  DataPipeline pipeline(small, std::make_shared<Preprocessor>(input), with);
  const Image image = small->image(0, 0);
  bool outside = false;
  for (const Batch& batch : take(pipeline, 20)) {
    const CropDraw draw = draw_crop(with.augment, 42, batch.epoch, 0, 7, 7);
    for (int64_t y = 0; y < side; ++y) {
      for (int64_t x = 0; x < side; ++x) {
        const int64_t from_x = x + draw.x - 3, from_y = y + draw.y - 3;
        const bool inside = from_x >= 0 && from_x < side && from_y >= 0 && from_y < side;
        outside |= !inside;
        const float expected =
            inside ? static_cast<float>(
                         image.pixels[static_cast<size_t>(from_y * side + from_x) * 3] - 1)
                   : 0;
        ASSERT_EQ(batch.images[static_cast<size_t>(y * side + x)], expected);
      }
    }
  }
  EXPECT_TRUE(outside);
}

// One value of an input, by the definition: of the picture, or of the border around it.
float expected_value(const InputSpec& input, const MeanImage& mean, const Image& image,
                     const PipelineOptions& with, const std::array<float, 3>& colour,
                     const CropDraw& draw, int64_t c, int64_t y, int64_t column) {
  const int64_t window_x = draw.x - with.augment.pad, window_y = draw.y - with.augment.pad;
  const int64_t x = draw.mirror ? input.width - 1 - column : column;
  const int64_t from_x = window_x + x, from_y = window_y + y;
  const auto at = static_cast<size_t>(c), rgb = 2 - at;  // BGR
  float value = 0;
  if (from_x >= 0 && from_x < image.width && from_y >= 0 && from_y < image.height) {
    const auto place = [&](int64_t window, int64_t whole, int64_t size) {
      return std::clamp<int64_t>(window - half_to_even(whole - mean.size), 0, mean.size - size);
    };
    const int64_t mean_x = place(window_x, image.width, input.width) + x,
                  mean_y = place(window_y, image.height, input.height) + y;
    const float byte = image.pixels[static_cast<size_t>(from_y * image.width + from_x) * 3 + rgb] *
                       input.scale / 255.0f;
    value =
        (byte - mean.values[static_cast<size_t>((c * mean.size + mean_y) * mean.size + mean_x)]) /
        input.std[at];
  }
  return (value + colour[rgb] * input.scale / 255.0f / input.std[at]) /
         (1 + with.augment.colour_noise);
}

TEST(Pipeline, FloatsAreThoseOfTheDefinitionAndMadeOnTheLoop) {
  InputSpec input;
  input.width = input.height = 6;
  input.resize_size = side;
  input.channel_order = "BGR";
  input.std = {2, 3, 7};
  input.mean_image = "mean";
  MeanImage mean{7, std::vector<float>(3 * 7 * 7)};
  for (size_t i = 0; i < mean.values.size(); ++i) mean.values[i] = static_cast<float>(i) / 150;
  PipelineOptions with = options(2);
  with.augment = {.pad = 2, .colour_noise = .1f, .colour_divides = true};
  with.colours = {{30, 20, 10}, {{{.6, .8, 0}, {.8, -.6, 0}, {0, 0, 1}}}};
  const auto loop = std::make_shared<Counted>(2);
  with.loop = loop;
  const auto data = std::make_shared<FakeDataset>(14, std::set<int64_t>{3});
  DataPipeline pipeline(data, std::make_shared<Preprocessor>(input, mean), with);
  for (const Batch& batch : take(pipeline, 9)) {
    auto value = batch.images.begin();
    for (int64_t row = 0; row < 4; ++row) {
      const int64_t position = batch.position + row;
      const Image image = FakeDataset(14).image(batch.labels[static_cast<size_t>(row)], 0);
      const CropDraw draw =
          draw_crop(with.augment, 42, batch.epoch, position, image.width - 1, image.height - 1);
      const auto colour = draw_colour(with.colours, .1f, 42, batch.epoch, position);
      for (int64_t i = 0; i < 3 * 36; ++i)
        ASSERT_EQ(*value++,
                  expected_value(input, mean, image, with, colour, draw, i / 36, i / 6 % 6, i % 6));
    }
  }
  EXPECT_EQ(loop->most(), 4);
}

TEST(Pipeline, RefusesOptionsThatCannotBe) {
  const auto refused = [](auto&& change) {
    PipelineOptions with = options(1);
    change(with);
    return error_of([&] { DataPipeline(std::make_shared<FakeDataset>(8), preprocessor(), with); });
  };
  EXPECT_TRUE(has(refused([](PipelineOptions& o) { o.batch = 9; }),
                  "a training batch of 9 pictures from a set of 8"));
  EXPECT_TRUE(has(refused([](PipelineOptions& o) { o.batch = 0; }), "a batch of 0"));
  EXPECT_TRUE(has(refused([](PipelineOptions& o) { o.threads = -1; }), "-1 threads"));
  EXPECT_TRUE(has(refused([](PipelineOptions& o) { o.queue = 0; }), "a queue of 0"));
  EXPECT_TRUE(has(refused([](PipelineOptions& o) { o.augment.pad = -1; }), "a border of -1"));
  EXPECT_TRUE(
      has(refused([](PipelineOptions& o) { o.augment.shared = 0; }), "0 pictures that share"));
  EXPECT_TRUE(
      has(refused([](PipelineOptions& o) { o.start_position = 9; }), "position 9 in a set of 8"));
  EXPECT_TRUE(has(
      error_of([] { DataPipeline(std::make_shared<FakeDataset>(0), preprocessor(), options(1)); }),
      "empty"));
  EXPECT_TRUE(
      has(error_of([] { DataPipeline(nullptr, preprocessor(), options(1)); }), "needs a set"));
}

TEST(Augment, DrawsCoverTheirRangeEvenly) {
  std::map<int64_t, int> across, down;
  int mirrored = 0;
  for (int64_t p = 0; p < 6000; ++p) {
    const CropDraw draw = draw_crop({}, 7, 3, p, 6, 4);
    ++across[draw.x], ++down[draw.y], mirrored += draw.mirror;
  }
  ASSERT_EQ(across.size(), 6u);
  ASSERT_EQ(down.size(), 4u);
  EXPECT_EQ(across.rbegin()->first, 5);
  for (const auto& [at, count] : across) EXPECT_NEAR(count, 1000, 150) << at;
  for (const auto& [at, count] : down) EXPECT_NEAR(count, 1500, 200) << at;
  EXPECT_NEAR(mirrored, 3000, 200);
}

TEST(Augment, DrawsDependOnTheirKeyAlone) {
  const auto key = [](const CropDraw& d) { return std::tuple(d.x, d.y, d.mirror); };
  Augment augment;
  EXPECT_EQ(key(draw_crop(augment, 1, 2, 3, 1000, 1000)),
            key(draw_crop(augment, 1, 2, 3, 1000, 1000)));
  EXPECT_NE(key(draw_crop(augment, 1, 2, 3, 1000, 1000)),
            key(draw_crop(augment, 2, 2, 3, 1000, 1000)));
  EXPECT_NE(key(draw_crop(augment, 1, 2, 3, 1000, 1000)),
            key(draw_crop(augment, 1, 3, 3, 1000, 1000)));
  EXPECT_NE(key(draw_crop(augment, 1, 2, 3, 1000, 1000)),
            key(draw_crop(augment, 1, 2, 4, 1000, 1000)));
  augment.shared = 32;
  EXPECT_EQ(key(draw_crop(augment, 1, 2, 0, 1000, 1000)),
            key(draw_crop(augment, 1, 2, 31, 1000, 1000)));
  EXPECT_NE(key(draw_crop(augment, 1, 2, 31, 1000, 1000)),
            key(draw_crop(augment, 1, 2, 32, 1000, 1000)));
  augment = {false, false, 0, 1};
  // 3.5 and 1.5, half to even
  EXPECT_EQ(key(draw_crop(augment, 1, 2, 3, 8, 4)), key({4, 2, false}));
}

TEST(Augment, OrdersArePermutations) {
  const std::vector<int64_t> order = epoch_order(1000, 5, 0);
  std::vector<int64_t> sorted = order;
  std::sort(sorted.begin(), sorted.end());
  for (size_t i = 0; i < sorted.size(); ++i) ASSERT_EQ(sorted[i], static_cast<int64_t>(i));
  EXPECT_NE(order, sorted);
  EXPECT_EQ(order, epoch_order(1000, 5, 0));
  EXPECT_NE(order, epoch_order(1000, 5, 1));
  EXPECT_NE(order, epoch_order(1000, 6, 0));
  EXPECT_TRUE(epoch_order(0, 1, 1).empty());
}

}  // namespace
}  // namespace alx
