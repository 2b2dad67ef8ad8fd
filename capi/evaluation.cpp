// Accuracy over labelled pictures.
#include "handles.h"

using namespace alx;
using namespace alx::capi;

alexnet_evaluation* alx::capi::make_evaluation_handle(Evaluation evaluation,
                                                      std::vector<std::string> labels) {
  return new alexnet_evaluation{std::move(evaluation), std::move(labels)};
}

EvaluateOptions alx::capi::evaluate_options(int32_t crops, alexnet_progress_callback progress,
                                            void* user_data, bool& stop) {
  EvaluateOptions options;
  options.crops = crops;
  options.cancelled = [&stop] { return stop; };
  options.progress = progress_of(progress, user_data, stop);
  return options;
}

std::function<void(int64_t, int64_t)> alx::capi::progress_of(alexnet_progress_callback progress,
                                                             void* user_data, bool& stop) {
  if (!progress) return {};
  return [=, &stop](int64_t done, int64_t total) {
    const CallbackScope scope;
    stop = progress(user_data, done, total) != 0;
  };
}

alexnet_status alexnet_session_evaluate(alexnet_session* const* sessions, int64_t count,
                                        const alexnet_dataset* data, int32_t crops,
                                        alexnet_progress_callback progress, void* user_data,
                                        alexnet_evaluation** evaluation) {
  return guard([&] {
    require(data, "data");
    require(evaluation, "evaluation");
    check(count >= 1, Code::invalid_argument, "count must be at least 1, got ", count);
    require(sessions, "sessions");
    std::vector<Session*> all;
    std::vector<std::unique_ptr<Work<alexnet_session>>> work;
    for (int64_t i = 0; i < count; ++i) {
      check(sessions[i] != nullptr, Code::invalid_argument, "sessions[", i, "] must not be NULL");
      check(std::find(sessions, sessions + i, sessions[i]) == sessions + i, Code::invalid_argument,
            "sessions[", i, "] is given twice");
      work.push_back(std::make_unique<Work<alexnet_session>>(sessions[i], "session"));
      all.push_back(sessions[i]->session.get());
    }
    bool stop = false;
    const EvaluateOptions options = evaluate_options(crops, progress, user_data, stop);
    *evaluation =
        make_evaluation_handle(evaluate(all, *data->data, options), all.front()->model().labels());
  });
}

alexnet_status alexnet_evaluation_counts(const alexnet_evaluation* evaluation, int64_t* images,
                                         int64_t* broken) {
  return guard([&] {
    require(evaluation, "evaluation");
    give(images, evaluation->evaluation.images);
    give(broken, evaluation->evaluation.broken);
  });
}

alexnet_status alexnet_evaluation_rates(const alexnet_evaluation* evaluation, double* top1,
                                        double* top5, double* loss) {
  return guard([&] {
    require(evaluation, "evaluation");
    give(top1, evaluation->evaluation.top1);
    give(top5, evaluation->evaluation.top5);
    give(loss, evaluation->evaluation.loss);
  });
}

alexnet_status alexnet_evaluation_class_count(const alexnet_evaluation* evaluation,
                                              int64_t* count) {
  return guard([&] {
    require(evaluation, "evaluation");
    require(count, "count");
    *count = std::ssize(evaluation->labels);
  });
}

alexnet_status alexnet_evaluation_label(const alexnet_evaluation* evaluation, int64_t class_index,
                                        const char** label) {
  return guard([&] {
    require(evaluation, "evaluation");
    require(label, "label");
    require_index(class_index, std::ssize(evaluation->labels), "class_index");
    *label = evaluation->labels[static_cast<size_t>(class_index)].c_str();
  });
}

alexnet_status alexnet_evaluation_confusion(const alexnet_evaluation* evaluation, int64_t truth,
                                            int64_t answer, int64_t* images) {
  return guard([&] {
    require(evaluation, "evaluation");
    require(images, "images");
    const auto classes = std::ssize(evaluation->labels);
    require_index(truth, classes, "truth");
    require_index(answer, classes, "answer");
    *images = evaluation->evaluation.confused(truth, answer);
  });
}

void alexnet_evaluation_free(alexnet_evaluation* evaluation) { delete evaluation; }
