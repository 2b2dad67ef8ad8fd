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

struct AnswerOptions {
  int crops = 1;  // 1: the centre; 10: the mean over ten (the paper, section 4.1)
  std::vector<std::string> layers =
      {};  // whose activations are wanted, of the first session's outputs
  // Threads that read. Where not said, the first session's, and none for pictures of one batch.
  std::optional<int> readers = {};
};

// Of one picture.
struct Answer {
  std::span<const float> probabilities;  // the mean over the sessions
  std::vector<std::span<const float>> layers;
};

// Called on this thread, in the order of the pictures; each may be empty.
struct AnswerWatch {
  std::function<void(int64_t picture, const Answer& answer)> on_answer;
  std::function<void(int64_t picture, const Error& why)> on_broken;
  std::function<void(int64_t done)> after_batch;  // pictures; what it throws ends the whole
};

// A batch is the first session's. No answer depends on it, nor on the threads.
void answer_pictures(const std::vector<Session*>& sessions, Pictures pictures,
                     const AnswerOptions& options, const AnswerWatch& watch);

}  // namespace alx
