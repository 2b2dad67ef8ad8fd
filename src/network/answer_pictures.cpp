#include "network/answer_pictures.h"

#include <utility>

namespace alx {
namespace {

using Prepared = std::vector<PreparedPicture>;

// Of the pictures of a batch that are whole.
Answers answers_of(const std::vector<Session*>& sessions, const Prepared& batch,
                   const AnswerOptions& wanted) {
  Answers all;
  for (size_t s = 0; s < sessions.size(); ++s) {
    std::vector<const Image*> whole;
    for (const PreparedPicture& picture : batch)
      if (!picture.fault) whole.push_back(&picture.images[s]);
    const std::span<const Image* const> images(whole);
    if (s == 0) {
      all = sessions[s]->answer(images, wanted);
      continue;
    }
    const Answers other = sessions[s]->answer(images, {.crops = wanted.crops});
    for (size_t i = 0; i < all.probabilities.size(); ++i)
      all.probabilities[i] += other.probabilities[i];
  }
  if (sessions.size() > 1)
    for (float& p : all.probabilities) p /= static_cast<float>(sessions.size());
  return all;
}

Answer row_of(const Answers& answers, size_t row, size_t rows) {
  const auto part = [&](const std::vector<float>& all) {
    const size_t size = all.size() / rows;
    return std::span(all).subspan(row * size, size);
  };
  Answer answer{part(answers.probabilities), {}};
  for (const auto& layer : answers.layers) answer.layers.push_back(part(layer));
  return answer;
}

void tell(const Prepared& batch, int64_t first, const Answers& answers, const AnswerWatch& watch) {
  size_t rows = 0, row = 0;
  for (const PreparedPicture& picture : batch) rows += !picture.fault;
  for (size_t i = 0; i < batch.size(); ++i) {
    const int64_t number = first + static_cast<int64_t>(i);
    if (!batch[i].fault) {
      if (watch.on_answer) watch.on_answer(number, row_of(answers, row, rows));
      ++row;
    } else if (watch.on_broken) {
      watch.on_broken(number, *batch[i].fault);
    }
  }
}

}  // namespace

void answer_pictures(const std::vector<Session*>& sessions, Pictures pictures,
                     const AnswerOptions& wanted, const AnswerWatch& watch,
                     std::optional<int> readers) {
  check_crops(wanted.crops);
  const Session& first = *sessions.front();
  std::vector<const Preprocessor*> preprocessors;
  for (const Session* session : sessions) preprocessors.push_back(&session->model().preprocessor());
  const int64_t count = pictures.count;
  // There is nothing to be ahead of where all are one batch.
  const int usual = count > first.batch() ? first.readers() : 0;
  PictureStream stream(std::move(pictures), std::move(preprocessors), 2 * first.batch(),
                       readers.value_or(usual), first.loop());
  for (int64_t done = 0; done < count;) {
    const Prepared batch = stream.next(first.batch());
    tell(batch, done, answers_of(sessions, batch, wanted), watch);
    done += static_cast<int64_t>(batch.size());
    if (watch.after_batch) watch.after_batch(done);
  }
}

}  // namespace alx
