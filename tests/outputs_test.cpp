// Files that are written: one writer at a time, nothing left behind, and nothing taken for what it
// is not.
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#ifndef _WIN32
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

#include "core/atomic_file.h"
#include "core/lock_file.h"
#include "core/log.h"
#include "core/output_lock.h"
#include "core/process.h"
#include "data/dataset_memory.h"
#include "models/zoo.h"
#include "network/bundled.h"
#include "refusal.h"
#include "temporary_folder.h"
#include "train/trainer.h"

namespace alx {
namespace {

namespace fs = std::filesystem;

class Outputs : public testing::Test {
 protected:
  Outputs() {
    set_log_sink([this](LogLevel level, const std::string& line) {
      if (level >= LogLevel::info) said_ += line + "\n";
    });
  }
  ~Outputs() override {
    set_log_sink({});
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
  }
  std::string path(const std::string& name) const { return to_utf8(folder_ / name); }
  size_t files() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(folder_), {}));
  }
  void touch(const std::string& name, std::chrono::hours age) const {
    std::ofstream(folder_ / name) << "left";
    fs::last_write_time(folder_ / name, fs::file_time_type::clock::now() - age);
  }
  void write_something() const {
    AtomicFile file(path("out"), 1);
    file.write(0, std::as_bytes(std::span("x", 1)));
    file.commit();
  }

  fs::path folder_ = new_folder("outputs");
  std::string said_;
};

TEST_F(Outputs, HaveOneWriter) {
  {
    const OutputLock first(path("net.safetensors"));
    EXPECT_TRUE(fs::exists(folder_ / ".alexnet-net.safetensors.lock"));
    const std::string text =
        error_of([&] { OutputLock second(path("net.safetensors")); }, Code::invalid_state);
    EXPECT_TRUE(has(text, cat("process ", process_id())));
    EXPECT_TRUE(has(text, "host " + host_name()));
    EXPECT_TRUE(has(text, "since 20"));
    EXPECT_TRUE(first.covers(path("net.safetensors")));
    EXPECT_FALSE(first.covers(path("other.safetensors")));
    OutputLock other(path("other.safetensors"));
    OutputLock moved = std::move(other);
  }
  EXPECT_EQ(files(), 0u);
  const OutputLock again(path("net.safetensors"));
}

TEST_F(Outputs, ALockThatACrashLeftIsNoObstacle) {
  touch(".alexnet-net.lock", std::chrono::hours(0));
  const OutputLock lock(path("net"));
  EXPECT_EQ(said_, "");
}

#ifndef _WIN32
TEST_F(Outputs, HaveOneWriterUnderAnyName) {
  std::ofstream(folder_ / "real") << "x";
  fs::create_symlink("real", folder_ / "alias");
  const OutputLock lock(path("alias"));
  EXPECT_TRUE(lock.covers(path("real")));
  error_of([&] { OutputLock second(path("real")); }, Code::invalid_state);
}

TEST_F(Outputs, HaveOneWriterAmongProcesses) {
  OutputLock lock(path("net"));
  const pid_t child = fork();
  if (child == 0) {
    bool refused = false;
    try {
      OutputLock second(path("net"));
    } catch (const Error& error) {
      refused = error.code() == Code::invalid_state;
    }
    { const OutputLock copy = std::move(lock); }  // the child's copy, whose end changes nothing
    _exit(refused ? 0 : 1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  error_of([&] { OutputLock second(path("net")); }, Code::invalid_state);
}

TEST_F(Outputs, WhatACrashLeftGoesWithTheNextSave) {
  using std::chrono::hours;
  touch(".alexnet-0123456789abcdef.tmp", hours(2));
  touch(".alexnet-held.tmp", hours(2));
  touch(".alexnet-young.tmp", hours(0));
  touch("mine.tmp", hours(2));
  const int held = open(path(".alexnet-held.tmp").c_str(), O_RDONLY);
  flock(held, LOCK_EX);
  write_something();
  EXPECT_FALSE(fs::exists(folder_ / ".alexnet-0123456789abcdef.tmp"));
  EXPECT_TRUE(fs::exists(folder_ / ".alexnet-held.tmp"));
  EXPECT_TRUE(fs::exists(folder_ / ".alexnet-young.tmp"));
  EXPECT_TRUE(fs::exists(folder_ / "mine.tmp"));
  close(held);
  write_something();
  EXPECT_FALSE(fs::exists(folder_ / ".alexnet-held.tmp"));
}
#endif

// Pictures of one colour each; `shift` makes others of them.
std::shared_ptr<MemoryDataset> pictures(const std::vector<std::string>& classes, int count,
                                        int shift = 0) {
  auto data = std::make_shared<MemoryDataset>(classes);
  for (int i = 0; i < count; ++i) {
    const auto value = static_cast<uint8_t>(17 * i + shift);
    data->add({12, 12, std::vector<uint8_t>(12 * 12 * 3, value)},
              i % static_cast<int>(classes.size()));
  }
  return data;
}

std::unique_ptr<Trainer> trainer_on(const std::shared_ptr<MemoryDataset>& data,
                                    const std::string& init = "", bool new_head = false) {
  const auto classes = static_cast<int64_t>(data->classes().size());
  const NetSpec spec =
      make_model("alexnet-cifar10", {.classes = classes, .height = 12, .width = 12});
  TrainOptions options;
  options.recipe = spec.recipe;
  options.recipe.mean = Recipe::Mean::fixed;
  options.recipe.batch = 4;
  options.threads = 1;
  options.data_threads = 0;
  options.init = init;
  options.new_head = new_head;
  return std::make_unique<Trainer>(spec, data, options);
}

TEST_F(Outputs, OfTrainersHaveOneWriter) {
  const auto data = pictures({"a", "b"}, 8);
  auto first = trainer_on(data), second = trainer_on(data);
  first->hold(path("net"));
  first->hold(path("net"));  // its own
  first->save_checkpoint(path("net"));
  first->save_weights(path("net"));
  error_of([&] { second->hold(path("net")); }, Code::invalid_state);
  error_of([&] { second->save_checkpoint(path("net")); }, Code::invalid_state);
  error_of([&] { second->save_weights(path("net")); }, Code::invalid_state);
  second->save_weights(path("other"));
  fs::current_path(folder_);
  second->hold("relative");
  // a new file, then one that is there
  for (int i = 0; i < 2; ++i) second->save_checkpoint("relative");
  error_of([&] { first->save_checkpoint(path("relative")); }, Code::invalid_state);
  second->release("relative");
  fs::remove("relative");
  fs::current_path("/");
  first->release(path("net"));
  second->save_weights(path("net"));
  first->hold(path("net"));
  first.reset();
  second->save_weights(path("net"));
  EXPECT_EQ(files(), 2u);
}

TEST_F(Outputs, AResumedRunTellsOfOtherPictures) {
  const auto data = pictures({"a", "b"}, 100);
  auto trainer = trainer_on(data);
  trainer->step();
  trainer->save_checkpoint(path("checkpoint"));
  const auto state = read_checkpoint_state(path("checkpoint"));
  ASSERT_TRUE(state);
  EXPECT_EQ(state->step, 1);
  EXPECT_EQ(state->total_steps, trainer->total_steps());
  trainer->save_weights(path("weights"));
  EXPECT_FALSE(read_checkpoint_state(path("weights")));
  EXPECT_FALSE(read_checkpoint_state(path("nowhere")));

  TrainOptions options;
  options.threads = 1;
  options.recipe.epochs = 0;
  said_.clear();
  (void)Trainer::resume(path("checkpoint"), pictures({"a", "b"}, 100), options);
  EXPECT_FALSE(has(said_, "not those"));
  (void)Trainer::resume(path("checkpoint"), pictures({"a", "b"}, 100, 1), options);
  EXPECT_TRUE(has(said_, "not those"));
  EXPECT_TRUE(has(said_, "picture "));  // one is named
}

// The last layer of a weight file, a row for each class.
std::vector<std::vector<float>> rows_of(const std::string& path) {
  const WeightFile file = WeightFile::open(path);
  const TensorView& tensor = *file.find("fc6.weight");
  std::vector<float> values(static_cast<size_t>(element_count(tensor.shape)));
  file.read(tensor, values);
  const auto width = static_cast<size_t>(tensor.shape[1]);
  std::vector<std::vector<float>> rows;
  for (size_t at = 0; at < values.size(); at += width)
    rows.emplace_back(values.begin() + static_cast<std::ptrdiff_t>(at),
                      values.begin() + static_cast<std::ptrdiff_t>(at + width));
  return rows;
}

TEST_F(Outputs, FineTuningKeepsTheRowsOfClassesThatStay) {
  auto first = trainer_on(pictures({"cat", "frog", "ship"}, 12));
  first->step();
  first->save_weights(path("old"));
  const auto old = rows_of(path("old"));
  const auto tuned = [&](const std::vector<std::string>& classes, bool new_head = false,
                         const std::string& from = "old") {
    trainer_on(pictures(classes, 12), path(from), new_head)->save_weights(path("new"));
    return rows_of(path("new"));
  };
  const auto is_old = [&](const std::vector<float>& row) {
    return std::find(old.begin(), old.end(), row) != old.end();
  };

  EXPECT_EQ(tuned({"cat", "frog", "ship"}), old);
  auto rows = tuned({"Ship", "truck", "cat"});
  EXPECT_EQ(rows[0], old[2]);
  EXPECT_FALSE(is_old(rows[1]));
  EXPECT_EQ(rows[2], old[0]);
  EXPECT_TRUE(has(said_, "2 of 3 classes keep their weights, 1 are drawn"));
  for (const auto& row : tuned({"bird", "dog", "truck"})) EXPECT_FALSE(is_old(row));
  rows = tuned({"bird", "cat"});
  EXPECT_EQ(rows[1], old[0]);
  for (const auto& row : tuned({"cat", "frog", "ship"}, true)) EXPECT_FALSE(is_old(row));

  // A file without names of its own: by the count.
  const WeightFile file = WeightFile::open(path("old"));
  std::vector<TensorToWrite> tensors;
  for (const TensorView& tensor : file.tensors()) {
    if (tensor.name.starts_with("selftest")) continue;
    std::vector<float> values(static_cast<size_t>(element_count(tensor.shape)));
    file.read(tensor, values);
    tensors.push_back(make_tensor(tensor.name, tensor.shape, values));
  }
  write_safetensors(path("plain"), tensors, {}, true);
  EXPECT_EQ(tuned({"bird", "dog", "truck"}, false, "plain"), old);
  EXPECT_TRUE(has(said_, "the file names no classes"));
  for (const auto& row : tuned({"bird", "dog"}, false, "plain")) EXPECT_FALSE(is_old(row));
}

TEST_F(Outputs, ANameMeansOursWhateverLiesHere) {
  const fs::path before = fs::current_path();
  const std::string ours = bundled_weights(bundled_network);
  ASSERT_NE(ours, "");
  fs::current_path(folder_);
  fs::create_directory(bundled_network);
  EXPECT_EQ(weights_named(bundled_network), ours);
  EXPECT_EQ(said_, "");
  fs::remove(bundled_network);
  std::ofstream(bundled_network) << "another network";
  EXPECT_EQ(weights_named(bundled_network), ours);
  EXPECT_TRUE(has(said_, cat("./", bundled_network)));
  EXPECT_EQ(weights_named(cat("./", bundled_network)), cat("./", bundled_network));
  std::ofstream("mine") << "x";
  EXPECT_EQ(weights_named("mine"), "mine");
  EXPECT_TRUE(has(error_of([] { weights_named("nonesuch"); }, Code::not_found), bundled_network));
  fs::current_path(before);
}

#ifndef _WIN32
TEST_F(Outputs, BundledWeightsAreFoundInTheFoldersOfADesktop) {
  setenv("XDG_DATA_HOME", path("data").c_str(), 1);
  fs::create_directories(folder_ / "data" / "alexnet");
  std::ofstream(folder_ / "data" / "alexnet" / "alexnet.safetensors") << "x";
  EXPECT_EQ(bundled_weights("alexnet"), path("data/alexnet/alexnet.safetensors"));
  setenv("XDG_DATA_HOME", "relative", 1);  // the specification wants it ignored
  for (const std::string& place : bundled_places())
    EXPECT_TRUE(fs::path(place).is_absolute()) << place;
  unsetenv("XDG_DATA_HOME");
}
#endif

TEST(Zoo, RefusesClassCountsThatNothingCouldHoldBeforeItMakesThem) {
  EXPECT_TRUE(has(error_of([] { make_model("alexnet", {.classes = 1'000'000'000}); }), "1048576"));
}

}  // namespace
}  // namespace alx
