// Many pictures through one network or several: the next ones are read while a batch is computed.
#pragma once
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "network/picture_stream.h"
#include "network/session.h"

namespace alx {

// Of one picture.
struct Answer {
  std::span<const float> probabilities;        // the mean over the sessions
  std::vector<std::span<const float>> layers;  // the first session's
};

// Called on this thread, in the order of the pictures; each may be empty.
struct AnswerWatch {
  std::function<void(int64_t picture, const Answer& answer)> on_answer;
  std::function<void(int64_t picture, const Error& why)> on_broken;
  std::function<void(int64_t done)> after_batch;  // pictures; what it throws ends the whole
};

// A batch is the first session's. `readers`: threads that read; where not said, the first
// session's, and none for pictures of one batch. No answer depends on either.
void answer_pictures(const std::vector<Session*>& sessions, Pictures pictures,
                     const AnswerOptions& wanted, const AnswerWatch& watch,
                     std::optional<int> readers = {});

}  // namespace alx
