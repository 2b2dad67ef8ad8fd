// Training.
#include "handles.h"
#include "network/named.h"

using namespace alx;
using namespace alx::capi;

namespace {

TrainOptions options_for(const alexnet_train_options* options, const Settings& settings) {
  TrainOptions wanted = options ? options->others : TrainOptions{};
  if (wanted.threads == 0) wanted.threads = settings.threads;
  wanted.host = settings.host(wanted.threads);
  wanted.limits = settings.limits();
  return wanted;
}

NetSpec spec_for(const char* network, int64_t classes, const alexnet_train_options* options,
                 const Settings& settings) {
  const int64_t side = options ? options->side : 0;
  return network_named(network, {classes, side, side}, settings.limits());
}

// The network's recipe for so many pictures, with what `options` say instead.
TrainOptions options_for(const NetSpec& spec, int64_t pictures,
                         const alexnet_train_options* options, const Settings& settings) {
  TrainOptions wanted = options_for(options, settings);
  wanted.recipe = usual_recipe(spec, pictures, !wanted.init.empty());
  wanted.augment = usual_augment(spec);
  if (!options) return wanted;
  Recipe& recipe = wanted.recipe;
  recipe.epochs = options->epochs.value_or(recipe.epochs);
  recipe.batch = options->batch.value_or(recipe.batch);
  recipe.rate = options->rate.value_or(recipe.rate);
  recipe.momentum = options->momentum.value_or(recipe.momentum);
  recipe.decay = options->decay.value_or(recipe.decay);
  recipe.schedule = options->schedule.value_or(recipe.schedule);
  recipe.mean = options->mean.value_or(recipe.mean);
  if (options->augment) {
    wanted.augment.random_crop = options->augment->random_crop;
    wanted.augment.flip = options->augment->flip;
    wanted.augment.pad = options->augment->pad;
  }
  wanted.augment.colour_noise = options->color_noise.value_or(wanted.augment.colour_noise);
  return wanted;
}

void save_checkpoint(alexnet_trainer* trainer) {
  if (trainer->checkpoint.empty() || trainer->saved_step == trainer->trainer->steps_done()) return;
  trainer->trainer->save_checkpoint(trainer->checkpoint);
  trainer->saved_step = trainer->trainer->steps_done();
}

StepResult step(alexnet_trainer* trainer) {
  const StepResult result = trainer->trainer->step();
  trainer->steps_done = result.step;
  const std::lock_guard lock(trainer->callback_mutex);
  if (trainer->callback) {
    const CallbackScope scope;
    const alexnet_step made{sizeof(alexnet_step), result.step,    trainer->trainer->total_steps(),
                            result.epoch,         result.loss,    result.accuracy,
                            result.rate,          result.seconds, result.waited};
    trainer->callback(trainer->user_data, &made);
  }
  return result;
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
  const Trainer& inner = *trainer->trainer;
  const int64_t every =
      trainer->checkpoint_every > 0 ? trainer->checkpoint_every : inner.steps_per_epoch();
  int64_t made = 0;
  const auto complete = [&] { return inner.done() || (steps > 0 && made == steps); };
  for (; !complete() && !cancel.asked(); ++made)
    if (step(trainer).step % every == 0) save_checkpoint(trainer);
  save_checkpoint(trainer);
  check(complete(), Code::cancelled, "stopped after step ", inner.steps_done(), " of ",
        inner.total_steps());
}

template <class Make>
alexnet_status make_trainer(alexnet_context* context, const alexnet_dataset* data,
                            alexnet_trainer** trainer, const Make& make) {
  return guard([&] {
    require(data, "data");
    require(trainer, "trainer");
    auto made = std::make_unique<alexnet_trainer>();
    made->settings = settings_of(context);
    made->trainer = make(*made->settings);
    made->steps_done = made->trainer->steps_done();
    *trainer = made.release();
  });
}

// For functions that need the trainer to themselves.
template <class Body>
alexnet_status with(alexnet_trainer* trainer, const Body& body) {
  return guard([&] {
    const Work work(trainer, "trainer");
    body(*trainer->trainer);
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
    return std::make_unique<Trainer>(spec, data->data,
                                     options_for(spec, data->data->size(), options, settings));
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
        Trainer::plan(spec, options_for(spec, spec.recipe.batch, options, *settings))->network(),
        Phase::training);
  });
}

alexnet_status alexnet_trainer_resume(alexnet_context* context, const char* checkpoint,
                                      const alexnet_dataset* data,
                                      const alexnet_train_options* options,
                                      alexnet_trainer** trainer) {
  return make_trainer(context, data, trainer, [&](const Settings& settings) {
    require(checkpoint, "checkpoint");
    TrainOptions wanted = options_for(options, settings);
    wanted.recipe.epochs = options ? options->epochs.value_or(0) : 0;  // 0: as in the file
    return Trainer::resume(checkpoint, data->data, wanted);
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
    check(every >= 0, Code::invalid_argument, "every must be 0 or more, got ", every);
    std::string kept = path ? path : "";
    check(!path || !kept.empty(), Code::invalid_argument,
          "path must not be empty; NULL means no checkpoint");
    if (path) trainer->trainer->hold(kept);
    if (!trainer->checkpoint.empty() && trainer->checkpoint != kept)
      trainer->trainer->release(trainer->checkpoint);
    trainer->checkpoint = std::move(kept);
    trainer->checkpoint_every = every;
    trainer->saved_step = -1;
  });
}

alexnet_status alexnet_trainer_step(alexnet_trainer* trainer, double* loss, double* accuracy) {
  return with(trainer, [&](const Trainer& inner) {
    check(!inner.done(), Code::invalid_state, "all ", inner.options().recipe.epochs,
          " epochs are run; resume from a checkpoint with more epochs to go on");
    const StepResult result = step(trainer);
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
    give(total_steps, trainer->trainer->total_steps());
    give(steps_per_epoch, trainer->trainer->steps_per_epoch());
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
