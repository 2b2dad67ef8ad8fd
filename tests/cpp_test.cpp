// The C++ layer as a program sees it: compiled as C++17 and as C++20, with more warnings than the
// library's own.
#include <gtest/gtest.h>

#include <alexnet/alexnet.hpp>
#include <array>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>
#if __cplusplus >= 202002L
#include <span>
#endif

#include "capi_status.h"

namespace {

using alexnet::Image;
using alexnet::Model;
using alexnet::Session;
using alexnet::Trainer;

// Handles that the library refused to free, where leak checkers find them.
std::vector<void*>& leaked() {
  static auto* all = new std::vector<void*>;
  return *all;
}

alexnet::Dataset easy_data() {
  alexnet::Dataset data = alexnet::Dataset::in_memory({"dark", "bright"});
  for (int i = 0; i < 16; ++i) {
    const std::vector<uint8_t> pixels(12 * 12 * 3, static_cast<uint8_t>(i % 2 ? 180 + i : 40 + i));
    data.add(Image::from_pixels(pixels, 12, 12), i % 2 ? "bright" : "dark");
  }
  return data;
}

alexnet::TrainOptions training(int64_t epochs = 4) {
  alexnet::TrainOptions options;
  options.input_size = 12;
  options.epochs = epochs;
  options.batch = 8;
  options.learning_rate = 0.01;
  options.threads = 1;
  return options;
}

Trainer trainer(int64_t epochs = 4) { return {"alexnet-cifar10", easy_data(), training(epochs)}; }

TEST(CppTrainer, MayBeDestroyedInItsCallback) {
  std::optional<Trainer> gone(trainer());
  leaked().push_back(gone->get());
  const auto token = std::make_shared<int>(0);
  gone->on_step([&gone, token](const alexnet::Step&) {
    gone.reset();
    ++*token;
  });
  EXPECT_FALSE(gone->run());
  EXPECT_EQ(*token, 1);
  EXPECT_EQ(token.use_count(), 1);  // nothing but the handle and its state stayed
  std::optional<Trainer> stepping(trainer());
  leaked().push_back(stepping->get());
  stepping->on_step([&](const alexnet::Step&) { stepping.reset(); });
  EXPECT_GT(stepping->step().loss, 0);
}

TEST(CppTrainer, MayBeDestroyedAtWork) {
  std::optional<Trainer> gone(trainer(1'000'000));
  leaked().push_back(gone->get());
  std::atomic<int> calls{0};
  gone->on_step([&](const alexnet::Step&) { ++calls; });
  std::thread other([&] {
    while (calls < 2) std::this_thread::yield();
    gone.reset();
    const int then = calls;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(calls, then);
  });
  EXPECT_FALSE(gone->run());
  other.join();
}

TEST(CppTrainer, TakesCallbacksFromAnyThread) {
  Trainer endless = trainer(1'000'000);
  std::atomic<int64_t> calls{0};
  std::atomic<bool> set{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 2; ++i)
    others.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        auto mine = std::make_unique<int64_t>(round);  // in no call once another callback is set
        endless.on_step([&, at = mine.get()](const alexnet::Step&) { calls += 1 + *at; });
        std::this_thread::yield();
        endless.on_step(nullptr);
      }
      if (!set.exchange(true)) return;
      endless.on_step([](const alexnet::Step&) { throw std::runtime_error("enough"); });
    });
  EXPECT_THROW(endless.run(), std::runtime_error);
  for (std::thread& thread : others) thread.join();
  endless.on_step(
      [&](const alexnet::Step&) { endless.on_step([&](const alexnet::Step&) { calls = -1; }); });
  calls = 0;
  endless.step();
  EXPECT_EQ(calls, 0);
  Trainer moved = std::move(endless);
  moved.on_step([&](const alexnet::Step& step) {
    calls = step.step;
    EXPECT_EQ(status_of([&] { moved.run(); }), ALEXNET_ERROR_INVALID_STATE);
    EXPECT_TRUE(moved.cancel());
  });
  EXPECT_FALSE(moved.run());
  EXPECT_EQ(calls, moved.progress().steps_done);
  EXPECT_EQ(endless.get(), nullptr);  // NOLINT: moved from
  EXPECT_EQ(status_of([&] { endless.run(); }), ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(status_of([&] { endless.on_step(nullptr); }), ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(status_of([&] { endless.cancel(); }), ALEXNET_ERROR_INVALID_ARGUMENT);
}

TEST(CppTrainer, TellsOfAStepAndTakesAContext) {
  const alexnet::Context context;
  const alexnet::Dataset data = easy_data();
  const alexnet::Memory plan = Trainer::plan_memory(context, "alexnet-cifar10", 2, training());
  EXPECT_EQ(plan.total, Trainer::plan_memory("alexnet-cifar10", 2, training()).total);
  ASSERT_EQ(plan.devices.size(), 1u);
  EXPECT_EQ(plan.devices[0].total, plan.total);
  Trainer first(context, "alexnet-cifar10", data, training());
  EXPECT_EQ(context.memory_in_use(), plan.total);
  const alexnet::StepResult step = first.step();
  EXPECT_GT(step.loss, 0);
  EXPECT_GE(step.accuracy, 0);
  const std::filesystem::path checkpoint("step.safetensors");
  first.save_checkpoint(checkpoint);
  Trainer second = Trainer::resume(context, checkpoint, data, training());
  EXPECT_EQ(context.memory_in_use(), 2 * plan.total);
  EXPECT_EQ(first.step().loss, second.step().loss);
}

// Resumes with another plan, about which the library warns in one line.
void warn() {
  trainer().save_checkpoint("log.safetensors");
  alexnet::TrainOptions options;
  options.threads = 2;
  Trainer::resume("log.safetensors", easy_data(), options);
}

alexnet::Context context_that_leaks() { return {}; }  // tests/lsan.supp knows the name

TEST(CppContext, MayBeDestroyedInItsLog) {
  std::optional<alexnet::Context> gone(context_that_leaks());
  int lines = 0;
  gone->set_log([&](alexnet_log_level, std::string_view) {
    ++lines;
    gone.reset();
  });
  warn();
  warn();
  EXPECT_EQ(lines, 1);
}

TEST(CppContext, TheStandardOneHasWhatIsMadeWithoutOne) {
  alexnet::Context& standard = alexnet::Context::standard();
  const int64_t before = standard.memory_in_use();
  const Trainer made = trainer();
  EXPECT_EQ(standard.memory_in_use(), before + made.memory().total);
  std::vector<std::string> lines;
  standard.set_log([&](alexnet_log_level, std::string_view line) { lines.emplace_back(line); });
  warn();
  standard.set_log(nullptr);
  const size_t logged = lines.size();
  EXPECT_GE(logged, 1u);
  warn();
  EXPECT_EQ(lines.size(), logged);
}

TEST(CppContext, KeepsItsThreadsForWhatOutlivesIt) {
  const auto calls = std::make_shared<int>(0);
  std::optional<Session> session;
  {
    alexnet::Context context;
    context.set_parallel_for(
        [calls](int64_t parts, alexnet::RunPart run) {
          ++*calls;
          for (int64_t part = 0; part < parts; ++part) run(part);
        },
        2);
    session.emplace(Model(context));
    EXPECT_EQ(status_of([&] { context.set_parallel_for([](int64_t, alexnet::RunPart) {}, 0); },
                        "most_at_once"),
              ALEXNET_ERROR_INVALID_ARGUMENT);
  }
  const int before = *calls;
  session->classify({Image::from_pixels(std::vector<uint8_t>(32 * 32 * 3, 9), 32, 32)});
  if (alexnet::build_info().find("ONEDNN") != std::string::npos) {
    EXPECT_GT(*calls, before);
  }
}

TEST(CppContext, IsNotTheDefaultOneWhenMovedFrom) {
  alexnet::Context from;
  const alexnet::Context to = std::move(from);
  const auto refuses = [](auto&& call) {
    return status_of(call, "moved from") == ALEXNET_ERROR_INVALID_ARGUMENT;
  };
  EXPECT_TRUE(refuses([&] { from.set_threads(1); }));
  EXPECT_TRUE(refuses([&] { from.set_parallel_for([](int64_t, alexnet::RunPart) {}, 2); }));
  EXPECT_TRUE(refuses([&] { from.set_parallel_for(nullptr, 0); }));
  EXPECT_TRUE(refuses([&] { from.set_memory_limit(1); }));
  EXPECT_TRUE(refuses([&] { from.memory_in_use(); }));
  EXPECT_TRUE(refuses([&] { from.set_log([](alexnet_log_level, std::string_view) {}); }));
  EXPECT_TRUE(refuses([&] { from.get(); }));
  EXPECT_TRUE(refuses([&] { Model model(from); }));
  EXPECT_TRUE(refuses([&] { Model::drawn(from, "alexnet-cifar10"); }));
  EXPECT_EQ(to.memory_in_use(), 0);
}

TEST(CppSession, EvaluatesSeveral) {
  const Model model = Model::drawn("alexnet-cifar10", 2);
  EXPECT_EQ(model.class_count(), 2);
  alexnet::Dataset data = alexnet::Dataset::in_memory(model.labels());
  EXPECT_EQ(data.class_count(), 2);
  data.add(Image::from_pixels(std::string(12 * 12 * 3, 'x'), 12, 12), 1);
  EXPECT_EQ(
      status_of([&] { data.add(Image::from_pixels(std::string(3, 'x'), 1, 1), "cow"); }, "'cow'"),
      ALEXNET_ERROR_INVALID_ARGUMENT);
  std::vector<Session> two;
  two.emplace_back(model);
  two.emplace_back(model);
  const alexnet::Evaluation expected = two[0].evaluate(data);
  EXPECT_NEAR(Session::evaluate(two, data).loss, expected.loss, 1e-6);
  EXPECT_NEAR(Session::evaluate({&two[0], &two[1]}, data).loss, expected.loss, 1e-6);
  Session* none = nullptr;
  EXPECT_EQ(status_of(
                [&] {
                  Session::evaluate({&two[0], none}, data);
                },
                "sessions[1]"),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(status_of([&] { Session::evaluate(std::vector<Session*>(), data); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  std::optional<Session> gone(std::in_place, model);
  alexnet_session* handle = gone->get();
  EXPECT_EQ(gone->evaluate(data, 1,
                           [&](int64_t, int64_t) {
                             gone.reset();
                             return true;
                           })
                .images,
            1);
  EXPECT_EQ(alexnet_session_free(handle), ALEXNET_OK);  // it was refused before
}

TEST(CppResult, TellsItsBest) {
  Session session(Model::drawn("alexnet-cifar10", 7), {"cpu", 1});
  const std::string pixels(12 * 12 * 3, 'x');
  const alexnet::Result result = session.classify(Image::from_pixels(pixels, 12, 12));
  EXPECT_EQ(result.classes(), 7);
  const std::vector<alexnet::Answer> top = result.top();
  ASSERT_EQ(top.size(), 5u);
  EXPECT_EQ(top[0].probability, result.probabilities()[static_cast<size_t>(top[0].index)]);
  EXPECT_EQ(status_of([&] { result.top(1, 1); }), ALEXNET_ERROR_INVALID_ARGUMENT);
}

TEST(CppImage, TakesContainersThatHoldEnough) {
  using V = std::vector<uint8_t>;
  const auto pixels = [](const Image& image) {
    return V(image.pixels().begin(), image.pixels().end());
  };
  const V rgb{10, 20, 30, 0, 40, 50, 60};  // two rows of one pixel with a gap
  EXPECT_EQ(pixels(Image::from_pixels(rgb, 1, 2, 4)), (V{10, 20, 30, 40, 50, 60}));
  EXPECT_EQ(pixels(Image::from_pixels(rgb, 1, 2, -4)), (V{40, 50, 60, 10, 20, 30}));
  EXPECT_EQ(pixels(Image::from_pixels(rgb, 7, 1, 0, ALEXNET_PIXELS_GRAY)).size(), 21u);
  const auto refuses = [&](const char* part, int64_t width, int64_t height, int64_t stride = 0,
                           alexnet_pixel_format format = ALEXNET_PIXELS_RGB) {
    return status_of([&] { Image::from_pixels(rgb, width, height, stride, format); }, part) ==
           ALEXNET_ERROR_INVALID_ARGUMENT;
  };
  EXPECT_TRUE(refuses("take 8 bytes, but there are 7", 1, 2, 5));
  EXPECT_TRUE(refuses("take 8 bytes", 1, 2, -5));
  EXPECT_TRUE(refuses("take 9 bytes", 3, 1));
  EXPECT_TRUE(refuses("take 8 bytes", 8, 1, 0, ALEXNET_PIXELS_GRAY));
  EXPECT_TRUE(refuses("take 8 bytes", 2, 1, 0, ALEXNET_PIXELS_RGBA));
  EXPECT_TRUE(refuses("take 9000000000000000000 bytes", INT64_MAX, INT64_MAX));
  EXPECT_TRUE(refuses("take 9000000000000000000 bytes", 1, 2, INT64_MIN));
  EXPECT_TRUE(refuses("width", 0, 1));
  EXPECT_TRUE(refuses("width", 0, INT64_MAX, INT64_MIN));
  EXPECT_TRUE(refuses("height", 1, INT64_MIN, -1));
  EXPECT_TRUE(refuses("stride", 2, 1, 5));
  EXPECT_TRUE(refuses("format", 1, 1, 0, 9));
}

template <class T, class = void>
constexpr bool has_pixels = false;
template <class T>
constexpr bool has_pixels<T, std::void_t<decltype(std::declval<T>().pixels())>> = true;
static_assert(has_pixels<const Image&> && !has_pixels<Image> && !has_pixels<const Image>);

std::string bundled_bytes() {
  std::ifstream file(ALEXNET_BUNDLED, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(CppArguments, AreBytesOfAnyKind) {
  const std::string bytes = bundled_bytes();
  const auto* first = reinterpret_cast<const std::byte*>(bytes.data());
  const std::vector<std::byte> vector(first, first + bytes.size());
  const alexnet::Context context;
  for (const Model& model :
       {Model::from_memory(bytes), Model::from_memory(std::string_view(bytes)),
        Model::from_memory(vector), Model::from_memory(bytes.data(), bytes.size()),
        Model::from_memory(bundled_bytes()),
        Model::from_memory(std::vector<char>(bytes.begin(), bytes.end()), "alexnet-cifar10"),
        Model::from_memory(alexnet::View<const std::byte>(vector)),
        Model::from_memory(context, bytes),
        Model::from_memory(context, {bytes.data(), bytes.size()}, "alexnet-cifar10")})
    EXPECT_EQ(model.class_count(), 10);
#if __cplusplus >= 202002L
  EXPECT_EQ(Model::from_memory(std::span(vector)).class_count(), 10);
#endif
  const std::array<unsigned char, 4> garbage{1, 2, 3, 4};
  // also where no picture can be read
  const auto refused = [](auto&& call) { return status_of(call) != ALEXNET_OK; };
  Session session((Model()));
  EXPECT_TRUE(refused([&] { Image::from_memory(garbage); }));
  EXPECT_TRUE(refused([&] { Image::from_memory(garbage.data(), garbage.size()); }));
  EXPECT_TRUE(refused([&] { session.classify_memory(garbage); }));
  EXPECT_TRUE(refused([&] { session.classify_memory(garbage.data(), garbage.size()); }));
  static_assert(!std::is_convertible_v<std::vector<int>, alexnet::Bytes>);
  static_assert(!std::is_convertible_v<const char*, alexnet::Bytes>);
}

TEST(CppArguments, AreTextsOfAnyKind) {
  const std::filesystem::path path(u"k\u00e4tzchen.safetensors");
  const std::string utf8 = "k\xc3\xa4tzchen.safetensors";
  std::ofstream(path, std::ios::binary) << bundled_bytes();
  EXPECT_EQ(alexnet::Text(path).str(), utf8);
  EXPECT_EQ(alexnet::Text(nullptr).str(), "");
  const std::string_view view = std::string_view("alexnet-cifar10!").substr(0, 15);
  for (const Model& model :
       {Model(path), Model(utf8), Model(utf8.c_str()), Model(view), Model("alexnet-cifar10"),
        Model(path, view), Model(alexnet::Context(), path, "alexnet-cifar10")})
    EXPECT_EQ(model.name(), view);
  EXPECT_TRUE(alexnet::verify(path, "cpu").has_value());
  alexnet::convert(path, std::string("plain.safetensors"), view, ALEXNET_PRECISION_AS_STORED, true);
  const alexnet::Weights weights(std::filesystem::path("plain.safetensors"));
  const alexnet::TensorInfo tensor = weights.tensors().front();
  EXPECT_EQ(weights.read(tensor), weights.read(tensor.name));
  EXPECT_FALSE(weights.read(std::string_view(tensor.name)).empty());
  EXPECT_EQ(status_of([&] { weights.read("x"); }, "'x'"), ALEXNET_ERROR_NOT_FOUND);
  EXPECT_EQ(status_of([] { alexnet::Dataset data(std::filesystem::path("nowhere")); }),
            ALEXNET_ERROR_NOT_FOUND);
  Session session((Model()));
  EXPECT_NE(status_of([&] { session.classify(std::filesystem::path("nowhere.jpg")); }), ALEXNET_OK);
  alexnet::TrainOptions options = training();
  options.initial_weights = std::filesystem::path("start.safetensors");
  trainer().save_weights(options.initial_weights);
  EXPECT_EQ(Trainer("alexnet-cifar10", easy_data(), options).progress().steps_done, 0);
}

TEST(CppOptions, AreAggregates) {
  EXPECT_EQ(alexnet::SessionOptions{"cpu"}.batch, 1);
  EXPECT_EQ(alexnet::TrainOptions{3}.epochs, 3);
  const Model model;
#if __cplusplus >= 202002L
  EXPECT_EQ(Session(model, {.batch = 8}).memory().total,
            Session::plan_memory(model, {.batch = 8}).total);
  EXPECT_EQ(Session(model, {.threads = 1, .outputs = {"fc5"}})
                .features(Image::from_pixels("xxx", 1, 1), "fc5")
                .size(),
            192u);
  const Trainer quick(
      "alexnet-cifar10", easy_data(),
      {.epochs = 2, .batch = 8, .schedule = "cosine", .augmentation = {{.flip = false}}});
  EXPECT_EQ(quick.progress().total_steps, 4);
#else
  EXPECT_EQ(Session(model, {"cpu", 0, 8}).memory().total,
            Session::plan_memory(model, {"cpu", 0, 8}).total);
#endif
}

TEST(CppNames, AreToldAndDoNotClash) {
  using namespace std;      // NOLINT: as programs do
  using namespace alexnet;  // NOLINT
  const vector<float> values(3);
  EXPECT_EQ(View<const float>(values).size(), 3u);
#if __cplusplus >= 202002L
  EXPECT_EQ(span<const float>(View<const float>(values)).size(), 3u);
#endif
  EXPECT_EQ(status_name(ALEXNET_ERROR_IO), "ALEXNET_ERROR_IO");
  EXPECT_EQ(abi_version(), ALEXNET_ABI_VERSION);
  EXPECT_NE(build_info().find(version()), string::npos);
}

}  // namespace
