// Training, data sets and weight files through the C ABI and its C++ layer, from outside.
#include <gtest/gtest.h>
#include <unistd.h>

#include <alexnet/alexnet.hpp>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <thread>

#include "capi_status.h"
#include "capi_training.h"

namespace {

TEST_F(CapiTrain, OpensDataSets) {
  EXPECT_EQ(data->size(), pictures);
  EXPECT_EQ(data->classes().size(), 3u);
  EXPECT_EQ(alexnet::Dataset(folder.string(), "test").size(), 24);
  EXPECT_EQ(status_of([] { alexnet::Dataset("/nowhere"); }), ALEXNET_ERROR_NOT_FOUND);
  const char* name = "untouched";
  EXPECT_EQ(alexnet_dataset_class_name(data->get(), 3, &name), ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_STREQ(name, "untouched");
}

TEST_F(CapiTrain, LearnsAndTellsOfIt) {
  alexnet::TrainOptions wanted = options();
  wanted.epochs = 12;
  wanted.learning_rate = 0.015;
  alexnet::Trainer trainer("alexnet-cifar10", *data, wanted);
  const alexnet::Dataset test(folder.string(), "test");
  const alexnet::Evaluation before = trainer.evaluate(test);
  std::vector<alexnet::Step> steps;
  trainer.on_step([&](const alexnet::Step& step) { steps.push_back(step); });
  EXPECT_TRUE(trainer.run());
  ASSERT_EQ(steps.size(), 36u);
  EXPECT_EQ(steps.front().step, 1);
  EXPECT_EQ(steps.back().step, 36);
  EXPECT_EQ(steps.back().total_steps, 36);
  EXPECT_DOUBLE_EQ(steps.back().epoch, 12);
  EXPECT_FLOAT_EQ(static_cast<float>(steps.front().rate), 0.015f);
  EXPECT_EQ(steps.back().size, static_cast<int64_t>(sizeof(alexnet_step)));
  EXPECT_GE(steps.back().seconds, steps.back().waited);
  EXPECT_LT(steps.back().loss, steps.front().loss / 2);
  EXPECT_EQ(status_of([&] { trainer.evaluate(test, 1, [](int64_t, int64_t) { return false; }); }),
            ALEXNET_ERROR_CANCELLED);
  const alexnet::Evaluation after = trainer.evaluate(test);
  EXPECT_EQ(after.images, 24);
  EXPECT_EQ(after.broken, 0);
  EXPECT_LT(after.loss, before.loss / 2);
  EXPECT_GT(after.top1, 0.9);
  EXPECT_EQ(trainer.progress().steps_done, 36);
  EXPECT_EQ(trainer.progress().steps_per_epoch, 3);
  EXPECT_TRUE(trainer.run());  // nothing is left to do
  EXPECT_EQ(status_of([&] { trainer.step(); }), ALEXNET_ERROR_INVALID_STATE);
}

TEST_F(CapiTrain, CopiesOfTheNetworkStayAsTheyAre) {
  alexnet::Trainer training = trainer();
  const std::vector<float> picture(3 * 12 * 12, 0.5f);
  alexnet::Model model = training.model();
  const auto answer = [&] { return alexnet::Session(model).run(picture).probabilities(); };
  const std::vector<float> before = answer();
  training.run(4);
  EXPECT_EQ(answer(), before);
  model = training.model();
  EXPECT_NE(answer(), before);
  training.save_weights(path("copy.safetensors"));
  const std::vector<float> now = answer();
  model = alexnet::Model(path("copy.safetensors"));
  EXPECT_EQ(answer(), now);
  EXPECT_EQ(model.labels(), data->classes());
  EXPECT_TRUE(alexnet::verify(path("copy.safetensors")).has_value());
}

TEST_F(CapiTrain, TwoDevicesShareTheWorkInEitherWay) {
  const auto losses = [](const char* device, const char* parallelism) {
    alexnet::TrainOptions wanted = options();
    wanted.device = device;
    wanted.parallelism = parallelism;
    alexnet::Trainer trainer("alexnet-cifar10", *data, wanted);
    std::vector<double> made;
    for (int step = 0; step < 4; ++step) made.push_back(trainer.step().loss);
    return made;
  };
  const std::vector<double> alone = losses("cpu", "data");
  for (const char* parallelism : {"data", "hybrid"}) {
    const std::vector<double> shared = losses("cpu,cpu", parallelism);
    for (size_t step = 0; step < alone.size(); ++step)
      EXPECT_NEAR(shared[step], alone[step], 1e-4) << parallelism;
  }
  EXPECT_EQ(status_of([&] { losses("cpu", "model"); }), ALEXNET_ERROR_INVALID_ARGUMENT);
}

TEST_F(CapiTrain, ACancelledRunGoesOnBitForBit) {
  alexnet::Trainer whole = trainer();
  EXPECT_TRUE(whole.run());
  whole.save_weights(path("whole.safetensors"));
  {
    alexnet::Trainer cut = trainer();
    cut.set_checkpoint(path("cut.safetensors"), 100);
    cut.on_step([&](const alexnet::Step& step) {
      if (step.step == 5) cut.cancel();
    });
    EXPECT_FALSE(cut.run());
    EXPECT_EQ(cut.progress().steps_done, 5);
  }
  alexnet::Trainer resumed = alexnet::Trainer::resume(path("cut.safetensors"), *data, [] {
    alexnet::TrainOptions same;
    same.threads = 1;
    return same;
  }());
  EXPECT_EQ(resumed.progress().steps_done, 5);
  EXPECT_EQ(resumed.progress().total_steps, 12);
  EXPECT_TRUE(resumed.run());
  resumed.save_weights(path("resumed.safetensors"));
  EXPECT_EQ(weights_of(path("resumed.safetensors")), weights_of(path("whole.safetensors")));
}

TEST_F(CapiTrain, CancelsFromAnotherThread) {
  alexnet::TrainOptions wanted = options();
  wanted.epochs = 1000000;
  alexnet::Trainer endless("alexnet-cifar10", *data, wanted);
  std::atomic<int64_t> steps{0};
  endless.on_step([&](const alexnet::Step& step) { steps = step.step; });
  std::thread other([&] {
    while (steps < 2) std::this_thread::yield();
    int64_t done = -1;
    EXPECT_EQ(alexnet_trainer_progress(endless.get(), &done, nullptr, nullptr), ALEXNET_OK);
    EXPECT_GE(done, 2);
    EXPECT_EQ(alexnet_trainer_save_checkpoint(endless.get(), "no"), ALEXNET_ERROR_INVALID_STATE);
    EXPECT_EQ(alexnet_trainer_free(endless.get()), ALEXNET_ERROR_INVALID_STATE);
    endless.cancel();
  });
  EXPECT_FALSE(endless.run());
  other.join();
  const int64_t stopped = endless.progress().steps_done;
  EXPECT_GE(stopped, 2);
  // and nothing is kept for later
  EXPECT_EQ(alexnet_trainer_cancel(endless.get()), ALEXNET_ERROR_INVALID_STATE);
  EXPECT_TRUE(endless.run(1));
  EXPECT_EQ(endless.progress().steps_done, stopped + 1);
  EXPECT_EQ(status_of([&] {
              endless.evaluate(*data, 1, [&](int64_t, int64_t) {
                EXPECT_EQ(alexnet_trainer_cancel(endless.get()), ALEXNET_OK);
                return true;
              });
            }),
            ALEXNET_ERROR_CANCELLED);
}

TEST_F(CapiTrain, ACancelInTheLastStepChangesNothing) {
  alexnet::Trainer training = trainer();
  training.on_step([&](const alexnet::Step& step) {
    if (step.step == step.total_steps) training.cancel();
  });
  EXPECT_TRUE(training.run());
  EXPECT_EQ(training.progress().steps_done, training.progress().total_steps);
}

TEST_F(CapiTrain, ACheckpointIsNotResumedWithFewerEpochsThanItMade) {
  alexnet::Trainer training = trainer();
  training.run();
  training.save_checkpoint(path("done.safetensors"));
  alexnet::TrainOptions fewer = options();
  fewer.epochs = 1;
  EXPECT_EQ(status_of([&] { alexnet::Trainer::resume(path("done.safetensors"), *data, fewer); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(status_of([&] { alexnet::Trainer::resume("alexnet-cifar10", *data); }),
            ALEXNET_ERROR_NOT_FOUND);
}

// Where nothing could be saved in the end, nothing begins.
TEST_F(CapiTrain, ClassesThatNoFileCanHoldAreRefused) {
  EXPECT_EQ(status_of([] {
              alexnet::Dataset::in_memory({"cat", "\xff\xfe"});
            }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(alexnet_last_error()).find("class 1"), std::string::npos)
      << alexnet_last_error();
  EXPECT_EQ(status_of([] { alexnet::Dataset::in_memory({""}); }), ALEXNET_ERROR_INVALID_ARGUMENT);
  const alexnet::Dataset empty = alexnet::Dataset::in_memory({"cat"});
  EXPECT_EQ(status_of([&] { alexnet::Trainer("alexnet-cifar10", empty); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_NE(std::string(alexnet_last_error()).find("no pictures"), std::string::npos)
      << alexnet_last_error();
}

TEST_F(CapiTrain, KeepsACheckpoint) {
  alexnet::Trainer training = trainer();
  training.set_checkpoint(path("kept.safetensors"));
  std::vector<bool> there;
  training.on_step(
      [&](const alexnet::Step&) { there.push_back(fs::exists(path("kept.safetensors"))); });
  EXPECT_TRUE(training.run(5));
  // after the first epoch, of three steps
  EXPECT_EQ(there, (std::vector<bool>{false, false, false, true, true}));
  EXPECT_EQ(alexnet::Trainer::resume(path("kept.safetensors"), *data).progress().steps_done, 5);
  EXPECT_EQ(status_of([&] { training.save_checkpoint("/nowhere/x.safetensors"); }),
            ALEXNET_ERROR_IO);
}

struct Seen {
  alexnet_trainer* trainer = nullptr;
  std::atomic<int> calls{0};
  std::vector<alexnet_status> answers;
};

TEST_F(CapiTrain, RefusesCallsInsideACallback) {
  alexnet::Trainer training = trainer();
  Seen seen;
  seen.trainer = training.get();
  const alexnet_step_callback misuse = [](void* to, const alexnet_step*) {
    auto& at = *static_cast<Seen*>(to);
    int64_t count = 0;
    at.answers = {alexnet_trainer_free(at.trainer),
                  alexnet_trainer_set_step_callback(at.trainer, nullptr, nullptr),
                  alexnet_trainer_step(at.trainer, nullptr, nullptr), alexnet_device_count(&count),
                  alexnet_trainer_cancel(at.trainer)};
  };
  ASSERT_EQ(alexnet_trainer_set_step_callback(training.get(), misuse, &seen), ALEXNET_OK);
  EXPECT_EQ(alexnet_trainer_run(training.get(), 0), ALEXNET_ERROR_CANCELLED);
  const alexnet_status no = ALEXNET_ERROR_INVALID_STATE;
  EXPECT_EQ(seen.answers, (std::vector<alexnet_status>{no, no, no, no, ALEXNET_OK}));
  EXPECT_EQ(alexnet_trainer_set_step_callback(training.get(), nullptr, nullptr), ALEXNET_OK);
  EXPECT_EQ(training.progress().steps_done, 1);
}

TEST_F(CapiTrain, NoCallbackFiresAfterItsRemoval) {
  alexnet::Trainer training = trainer();
  Seen seen;
  const alexnet_step_callback count = [](void* to, const alexnet_step*) {
    ++static_cast<Seen*>(to)->calls;
  };
  ASSERT_EQ(alexnet_trainer_set_step_callback(training.get(), count, &seen), ALEXNET_OK);
  std::thread other([&] {
    while (seen.calls < 2) std::this_thread::yield();
    ASSERT_EQ(alexnet_trainer_set_step_callback(training.get(), nullptr, nullptr), ALEXNET_OK);
    const int calls = seen.calls;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_EQ(seen.calls, calls);
  });
  EXPECT_EQ(alexnet_trainer_run(training.get(), 0), ALEXNET_OK);
  other.join();
}

TEST_F(CapiTrain, PassesOnWhatACallbackThrows) {
  alexnet::Trainer training = trainer();
  training.on_step([](const alexnet::Step& step) {
    if (step.step == 2) throw std::runtime_error("enough");
  });
  EXPECT_THROW(training.run(), std::runtime_error);
  EXPECT_EQ(training.progress().steps_done, 2);
  training.on_step([](const alexnet::Step&) { throw std::runtime_error("enough"); });
  EXPECT_THROW(training.step(), std::runtime_error);
  training.on_step(nullptr);
  EXPECT_TRUE(training.run());
}

TEST_F(CapiTrain, SaysWhatCannotBeTrained) {
  alexnet::TrainOptions wanted = options();
  wanted.batch = 49;
  EXPECT_EQ(status_of([&] { alexnet::Trainer("alexnet-cifar10", *data, wanted); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_EQ(status_of([&] { alexnet::Trainer("lenet", *data, options()); }),
            ALEXNET_ERROR_NOT_FOUND);
  wanted = options();
  wanted.input_size = 3;
  EXPECT_EQ(status_of([&] { alexnet::Trainer("alexnet-2012", *data, wanted); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  wanted = options();
  wanted.momentum = 1;
  EXPECT_EQ(status_of([&] { alexnet::Trainer("alexnet-cifar10", *data, wanted); }),
            ALEXNET_ERROR_INVALID_ARGUMENT);
  wanted = options();
  wanted.initial_weights = "/nowhere";
  EXPECT_EQ(status_of([&] { alexnet::Trainer("alexnet-cifar10", *data, wanted); }),
            ALEXNET_ERROR_NOT_FOUND);
  trainer().save_weights(path("no_checkpoint.safetensors"));
  EXPECT_EQ(status_of([&] { alexnet::Trainer::resume(path("no_checkpoint.safetensors"), *data); }),
            ALEXNET_ERROR_BAD_FILE);
}

TEST_F(CapiTrain, EvaluatesASessionAndStopsWhenAsked) {
  alexnet::Trainer training = trainer();
  training.run();
  const alexnet::Model model = training.model();
  alexnet::SessionOptions by_eight;
  by_eight.batch = 8;
  by_eight.threads = 1;
  alexnet::Session session(model, by_eight);
  std::vector<int64_t> seen;
  const alexnet::Evaluation all = session.evaluate(*data, 1, [&](int64_t done, int64_t total) {
    EXPECT_EQ(total, pictures);
    seen.push_back(done);
    return true;
  });
  EXPECT_EQ(all.images, pictures);
  int64_t right = 0, every = 0;
  for (int64_t truth = 0; truth < 3; ++truth)
    for (int64_t answer = 0; answer < 3; ++answer) {
      every += all.confusion(truth, answer);
      right += truth == answer ? all.confusion(truth, answer) : 0;
    }
  EXPECT_EQ(every, pictures);
  int64_t classes = 0;
  const char* label = nullptr;
  EXPECT_EQ(alexnet_evaluation_class_count(all.handle.get(), &classes), ALEXNET_OK);
  EXPECT_EQ(classes, 3);
  EXPECT_EQ(alexnet_evaluation_label(all.handle.get(), 2, &label), ALEXNET_OK);
  EXPECT_EQ(label, model.labels()[2]);
  EXPECT_EQ(alexnet_evaluation_label(all.handle.get(), 3, &label), ALEXNET_ERROR_INVALID_ARGUMENT);
  EXPECT_DOUBLE_EQ(static_cast<double>(right) / pictures, all.top1);
  EXPECT_EQ(seen.back(), pictures);
  EXPECT_NEAR(all.loss, training.evaluate(*data).loss, 1e-5);
  EXPECT_EQ(status_of([&] { session.evaluate(*data, 1, [](int64_t, int64_t) { return false; }); }),
            ALEXNET_ERROR_CANCELLED);
  EXPECT_THROW(session.evaluate(
                   *data, 1, [](int64_t, int64_t) -> bool { throw std::runtime_error("enough"); }),
               std::runtime_error);
  session.evaluate(*data, 1, [&](int64_t, int64_t) {
    // inside a callback
    EXPECT_EQ(alexnet_session_free(session.get()), ALEXNET_ERROR_INVALID_STATE);
    std::thread([&] {
      EXPECT_EQ(status_of([&] { session.memory(); }), ALEXNET_ERROR_INVALID_STATE);
    }).join();
    return true;
  });
  const alexnet_progress_callback stop = [](void*, int64_t, int64_t) -> int32_t { return 1; };
  alexnet_session* const one[] = {session.get()};
  alexnet_evaluation* none = nullptr;
  EXPECT_EQ(alexnet_session_evaluate(one, 1, data->get(), 1, stop, nullptr, &none),
            ALEXNET_ERROR_CANCELLED);
  EXPECT_EQ(none, nullptr);
  alexnet::Session other(model, by_eight);
  EXPECT_NEAR(alexnet::Session::evaluate({&session, &other}, *data).loss, all.loss, 1e-6);
  EXPECT_EQ(status_of([&] { session.evaluate(*data, 2); }), ALEXNET_ERROR_INVALID_ARGUMENT);
}

TEST_F(CapiTrain, ConvertsWeightFiles) {
  trainer().save_weights(path("source.safetensors"));
  const std::vector<float> picture(3 * 12 * 12, 0.5f);
  const auto answer = [&](const std::string& file) {
    return alexnet::Session(alexnet::Model(file, "alexnet-cifar10")).run(picture).probabilities();
  };
  const std::vector<float> expected = answer(path("source.safetensors"));
  alexnet::convert(path("source.safetensors"), path("half.safetensors"), "",
                   ALEXNET_PRECISION_FP16);
  const std::vector<float> half = answer(path("half.safetensors"));
  for (size_t i = 0; i < half.size(); ++i) EXPECT_NEAR(half[i], expected[i], 1e-2);
  for (const auto& tensor : alexnet::Weights(path("half.safetensors")).tensors())
    EXPECT_EQ(tensor.type, tensor.name == "selftest.output" ? "F32" : "F16") << tensor.name;
  EXPECT_LT(*alexnet::verify(path("half.safetensors")), 1e-5);
  fs::copy_file(ALEXNET_BUNDLED, path("same.safetensors"));
  alexnet::convert(path("same.safetensors"), path("same.safetensors"), "",
                   ALEXNET_PRECISION_AS_STORED, true);
  EXPECT_EQ(alexnet::Weights(path("same.safetensors")).metadata("alexnet.labels"), std::nullopt);
  EXPECT_FALSE(alexnet::verify(path("same.safetensors")).has_value());
  EXPECT_EQ(*alexnet::Weights(path("half.safetensors")).metadata("alexnet.model"),
            "alexnet-cifar10/1");
}

TEST_F(CapiTrain, LogsToEachContextUntilItIsFreed) {
  trainer().save_checkpoint(path("logged.safetensors"));
  alexnet::TrainOptions more_threads;
  more_threads.threads = 2;  // another plan, about which resuming warns
  const auto resume = [&] {
    alexnet::Trainer::resume(path("logged.safetensors"), *data, more_threads);
  };
  std::vector<std::string> lines;
  {
    alexnet::Context context;
    context.set_log([&](alexnet_log_level level, std::string_view line) {
      if (level < ALEXNET_LOG_WARNING) return;
      EXPECT_EQ(alexnet_context_set_log_callback(nullptr, nullptr, nullptr),
                ALEXNET_ERROR_INVALID_STATE);
      lines.emplace_back(line);
      throw std::runtime_error("dropped");
    });
    resume();
    EXPECT_EQ(lines.size(), 1u);
    alexnet::Context moved = std::move(context);
    resume();
    EXPECT_EQ(lines.size(), 2u);
    context = std::move(moved);
    context.set_log(nullptr);
    resume();
    EXPECT_EQ(lines.size(), 2u);
    context.set_log([&](alexnet_log_level, std::string_view line) { lines.emplace_back(line); });
  }
  resume();
  EXPECT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("thread count"), std::string::npos) << lines[0];
}

}  // namespace
