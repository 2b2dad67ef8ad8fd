// A model bound to devices, batch and precision: pictures in, probabilities out. One thread at a
// time; many sessions may run over one model.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backends/host_services.h"
#include "network/model.h"

namespace alx {

struct SessionOptions {
  std::string devices = "cpu";  // "cpu", "reference", "cuda:0", "cuda:0,cuda:1"
  int threads = 0;              // 0: all cores
  int64_t batch = 1;
  Precision precision = Precision::fp32;
  std::vector<std::string> outputs;  // layers whose activations will be read
  HostServices host;
};

// What is asked about pictures, in one pass.
struct AnswerOptions {
  int crops = 1;                         // 1: the centre; 10: the mean over ten (section 4.1)
  std::vector<std::string> layers = {};  // whose activations are wanted, of options.outputs
  bool probabilities = true;
};

// What a network gives for pictures, one after the other.
struct Answers {
  std::vector<float> probabilities;        // (count, classes)
  std::vector<std::vector<float>> layers;  // of each wanted one: (count, elements of one image)
};

class Session {
 public:
  Session(std::shared_ptr<const Model> model, const SessionOptions& options);

  // The network that a session with these options would run, without weights: what memory it would
  // take.
  static std::unique_ptr<Network> plan(const Model& model, const SessionOptions& options);

  const Model& model() const { return *model_; }
  const Network& network() const { return *network_; }
  int64_t batch() const { return network_->batch(); }
  Precision precision() const { return precision_; }
  int64_t classes() const { return model_->spec().classes; }

  // What preparing pictures may run on.
  const std::shared_ptr<const ParallelLoop>& loop() const { return loop_; }
  // Threads to read pictures with while this one computes; 0 where the loop is the program's, which
  // shall have no threads of ours beside it.
  int readers() const { return readers_; }

  // Preprocessed pictures (count * crops, 3, height, width). Any count: it runs as many batches as
  // that takes. Of `crops` rows in a row the mean is given. Throws invalid_argument where a value
  // is not finite, bad_file where a probability is not.
  Answers answer(std::span<const float> inputs, const AnswerOptions& wanted = {});
  // The same of pictures that the model's Preprocessor has prepared.
  Answers answer(std::span<const Image* const> prepared, const AnswerOptions& wanted = {});

  std::vector<float> run(std::span<const float> inputs) { return answer(inputs).probabilities; }
  // Whole pictures.
  std::vector<float> classify(const std::vector<Image>& images, int crops = 1);
  std::vector<float> features(const std::vector<Image>& images, const std::string& layer);

 private:
  Answers answer(const std::vector<Image>& images, const AnswerOptions& wanted);
  // `set_input(first, count)` gives the network so many rows from that one on.
  template <class SetInput>
  Answers compute(int64_t rows, const AnswerOptions& wanted, const SetInput& set_input);

  std::shared_ptr<const Model> model_;
  std::unique_ptr<Network> network_;
  Precision precision_;
  std::shared_ptr<const ParallelLoop> loop_;
  int readers_;
  std::vector<float> input_;  // of a batch, made from pictures
};

// Throws invalid_argument unless they are 1 or 10.
void check_crops(int crops);
// What the network reads for a picture: (crops, 3, height, width). `crops`: 1, the centre, or 10.
std::vector<float> prepare(const Model& model, const Image& image, int crops);

struct Ranked {
  int64_t index;
  float probability;
};
// The k most probable classes, the best first; of equals the lower index first.
std::vector<Ranked> top_k(std::span<const float> probabilities, int64_t k);

// Runs the self-test that a model's file holds (`selftest.input`, `selftest.output`) and tells how
// far its probabilities are off at most; empty where the file has none. Throws bad_file where they
// differ by more than the tolerance.
std::optional<double> self_test(const std::shared_ptr<const Model>& model,
                                const SessionOptions& options = {});

// Every fault of a weight file, in words: structure, checksums, values, fit to its network, and the
// recorded self-test run again; of an index of features its structure and checksums. Empty: sound.
struct Verdict {
  std::vector<std::string> faults;
  // max |difference| of the probabilities; empty: no self-test, or not run
  std::optional<double> self_test_error;
};
Verdict verify(const std::string& path, const std::string& devices = "cpu",
               const Limits& limits = {});

}  // namespace alx
