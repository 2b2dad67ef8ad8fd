// Training.
#include "handles.h"
#include "network/named.h"

using namespace alx;
using namespace alx::capi;

namespace {

// What the program said, with what its context gives.
Overrides overrides_of(const alexnet_train_options* options, const Settings& settings) {
  Overrides overrides = options ? options->overrides : Overrides{};
  TrainOptions& plain = overrides.plain;
  if (plain.threads == 0) plain.threads = settings.threads;
  plain.host = settings.host(plain.threads);
  plain.limits = settings.limits();
  return overrides;
}

NetSpec spec_for(const char* network, int64_t classes, const alexnet_train_options* options,
                 const Settings& settings) {
  const int64_t side = options ? options->overrides.side : 0;
  return network_named(network, {classes, side, side}, settings.limits());
}

// Tells the program's callback of a step that was made.
void tell(alexnet_trainer* trainer, const StepResult& step, const EpochRow* ended) {
  trainer->steps_done = step.step;
  const std::lock_guard lock(trainer->callback_mutex);
  if (!trainer->callback) return;
  const CallbackScope scope;
  alexnet_step made{};
  made.size = sizeof(alexnet_step);
  made.step = step.step;
  made.total_steps = trainer->run->trainer().total_steps();
  made.epoch = step.epoch;
  made.loss = step.loss;
  made.accuracy = step.accuracy;
  made.rate = step.rate;
  made.seconds = step.seconds;
  made.waited = step.waited;
  if (ended && ended->validation) {
    made.validated = 1;
    made.validation_loss = ended->validation->loss;
    made.validation_top1 = ended->validation->top1;
    made.validation_top5 = ended->validation->top5;
  }
  trainer->callback(trainer->user_data, &made);
}

// Work that alexnet_trainer_cancel can end.
class Cancellable {
 public:
  using Work = alexnet_trainer::Work;
  explicit Cancellable(alexnet_trainer* trainer) : trainer_(trainer) {
    trainer_->work = Work::running;
  }
  ~Cancellable() { trainer_->work = Work::none; }
  Cancellable(const Cancellable&) = delete;
  Cancellable& operator=(const Cancellable&) = delete;
  bool asked() const { return trainer_->work == Work::cancelled; }

 private:
  alexnet_trainer* trainer_;
};

void run(alexnet_trainer* trainer, int64_t steps) {
  const Cancellable cancel(trainer);
  RunWatch watch;
  watch.on_step = [&](const StepResult& step, const EpochRow* ended) {
    tell(trainer, step, ended);
  };
  watch.stopped = [&] { return cancel.asked(); };
  const bool complete = trainer->run->run(watch, steps);
  const Trainer& inner = trainer->run->trainer();
  check(complete, Code::cancelled, "stopped after step ", inner.steps_done(), " of ",
        inner.total_steps());
}

// The file that a path names; NULL: none, which is empty.
std::string file_or_none(const char* path, const char* what) {
  check(!path || *path, Code::invalid_argument, "path must not be empty; NULL means no ", what);
  return path ? path : "";
}

template <class Make>
alexnet_status make_trainer(alexnet_context* context, const alexnet_dataset* data,
                            alexnet_trainer** trainer, const Make& make) {
  return guard([&] {
    require(data, "data");
    require(trainer, "trainer");
    auto made = std::make_unique<alexnet_trainer>();
    made->settings = settings_of(context);
    made->run = std::make_unique<TrainingRun>(make(*made->settings));
    made->steps_done = made->run->trainer().steps_done();
    *trainer = made.release();
  });
}

// For functions that need the trainer to themselves.
template <class Body>
alexnet_status with(alexnet_trainer* trainer, const Body& body) {
  return guard([&] {
    const Work work(trainer, "trainer");
    body(trainer->run->trainer());
  });
}

}  // namespace

alexnet_status alexnet_trainer_create(alexnet_context* context, const char* network,
                                      const alexnet_dataset* data,
                                      const alexnet_train_options* options,
                                      alexnet_trainer** trainer) {
  return make_trainer(context, data, trainer, [&](const Settings& settings) {
    require(network, "network");
    const NetSpec spec =
        spec_for(network, static_cast<int64_t>(data->data->classes().size()), options, settings);
    return std::make_unique<Trainer>(
        spec, data->data, options_for(spec, *data->data, overrides_of(options, settings)));
  });
}

alexnet_status alexnet_trainer_plan_memory(alexnet_context* context, const char* network,
                                           int64_t classes, const alexnet_train_options* options,
                                           alexnet_memory** memory) {
  return guard([&] {
    require(network, "network");
    require(memory, "memory");
    check(classes >= 1, Code::invalid_argument, "classes must be at least 1, got ", classes);
    const auto settings = settings_of(context);
    const NetSpec spec = spec_for(network, classes, options, *settings);
    *memory = make_memory_handle(
        Trainer::plan(spec, options_for(spec, spec.recipe.batch, overrides_of(options, *settings)))
            ->network(),
        Phase::training);
  });
}

alexnet_status alexnet_trainer_resume(alexnet_context* context, const char* checkpoint,
                                      const alexnet_dataset* data,
                                      const alexnet_train_options* options,
                                      alexnet_trainer** trainer) {
  return make_trainer(context, data, trainer, [&](const Settings& settings) {
    require(checkpoint, "checkpoint");
    return Trainer::resume(checkpoint, data->data,
                           options_to_resume(overrides_of(options, settings)));
  });
}

alexnet_status alexnet_trainer_set_step_callback(alexnet_trainer* trainer,
                                                 alexnet_step_callback callback, void* user_data) {
  return guard([&] {
    require(trainer, "trainer");
    const std::lock_guard lock(trainer->callback_mutex);
    trainer->callback = callback;
    trainer->user_data = user_data;
  });
}

alexnet_status alexnet_trainer_set_checkpoint(alexnet_trainer* trainer, const char* path,
                                              int64_t every) {
  return with(trainer, [&](const Trainer&) {
    if (every != 0) check_bound(bounds::checkpoint_steps, every, "every: 0 (each epoch), else it");
    CheckpointPolicy policy = trainer->run->checkpoints();
    policy.file = file_or_none(path, "checkpoint");
    policy.every = every;
    trainer->run->set_checkpoints(policy);
  });
}

alexnet_status alexnet_trainer_set_checkpoint_minutes(alexnet_trainer* trainer, double minutes) {
  return with(trainer, [&](const Trainer&) {
    if (minutes != 0)
      check_bound(bounds::checkpoint_minutes, minutes, "minutes: 0 (by steps), else they");
    CheckpointPolicy policy = trainer->run->checkpoints();
    policy.minutes = minutes;
    trainer->run->set_checkpoints(policy);
  });
}

alexnet_status alexnet_trainer_set_best(alexnet_trainer* trainer, const char* path) {
  return with(trainer,
              [&](const Trainer&) { trainer->run->keep_best(file_or_none(path, "file")); });
}

alexnet_status alexnet_trainer_step(alexnet_trainer* trainer, double* loss, double* accuracy) {
  return with(trainer, [&](Trainer& inner) {
    check(!inner.done(), Code::invalid_state, "all ", inner.options().recipe.epochs,
          " epochs are run; resume from a checkpoint with more epochs to go on");
    const StepResult result = inner.step();
    tell(trainer, result, nullptr);
    give(loss, result.loss);
    give(accuracy, result.accuracy);
  });
}

alexnet_status alexnet_trainer_run(alexnet_trainer* trainer, int64_t steps) {
  return with(trainer, [&](const Trainer&) {
    check(steps >= 0, Code::invalid_argument, "steps must be 0 (no limit) or more, got ", steps);
    run(trainer, steps);
  });
}

alexnet_status alexnet_trainer_cancel(alexnet_trainer* trainer) {
  return catch_all([&] {
    require(trainer, "trainer");
    using Work = alexnet_trainer::Work;
    Work expected = Work::running;
    check(trainer->work.compare_exchange_strong(expected, Work::cancelled) ||
              expected == Work::cancelled,
          Code::invalid_state,
          "the trainer neither runs nor evaluates: there is nothing to cancel");
  });
}

alexnet_status alexnet_trainer_progress(alexnet_trainer* trainer, int64_t* steps_done,
                                        int64_t* total_steps, int64_t* steps_per_epoch) {
  return catch_all([&] {
    require(trainer, "trainer");
    give(steps_done, trainer->steps_done.load());
    give(total_steps, trainer->run->trainer().total_steps());
    give(steps_per_epoch, trainer->run->trainer().steps_per_epoch());
  });
}

alexnet_status alexnet_trainer_save_checkpoint(alexnet_trainer* trainer, const char* path) {
  return with(trainer, [&](const Trainer& inner) {
    require(path, "path");
    inner.save_checkpoint(path);
  });
}

alexnet_status alexnet_trainer_save_weights(alexnet_trainer* trainer, const char* path,
                                            alexnet_precision precision) {
  return with(trainer, [&](const Trainer& inner) {
    require(path, "path");
    inner.save_weights(path, stored_type_of(precision));
  });
}

alexnet_status alexnet_trainer_evaluate(alexnet_trainer* trainer, const alexnet_dataset* data,
                                        int32_t crops, alexnet_progress_callback progress,
                                        void* user_data, alexnet_evaluation** evaluation) {
  return with(trainer, [&](Trainer& inner) {
    require(data, "data");
    require(evaluation, "evaluation");
    const Cancellable cancel(trainer);
    bool stop = false;
    EvaluateOptions options = evaluate_options(crops, progress, user_data, stop);
    options.cancelled = [&] { return stop || cancel.asked(); };
    *evaluation =
        make_evaluation_handle(inner.evaluate(*data->data, options), inner.data().classes());
  });
}

alexnet_status alexnet_trainer_memory(alexnet_trainer* trainer, alexnet_memory** memory) {
  return with(trainer, [&](const Trainer& inner) {
    require(memory, "memory");
    *memory = make_memory_handle(inner.network(), Phase::training);
  });
}

alexnet_status alexnet_trainer_model(alexnet_trainer* trainer, alexnet_model** model) {
  return with(trainer, [&](const Trainer& inner) {
    require(model, "model");
    *model = make_model_handle(inner.model(), trainer->settings);
  });
}

alexnet_status alexnet_trainer_free(alexnet_trainer* trainer) {
  return guard([&] {
    if (!trainer) return;
    { const Work idle(trainer, "trainer"); }
    delete trainer;
  });
}
