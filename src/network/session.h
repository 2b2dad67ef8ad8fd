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

class Session {
 public:
  Session(std::shared_ptr<const Model> model, const SessionOptions& options);

  // The network that a session with these options would run, without weights: what memory it would
  // take.
  static std::unique_ptr<Network> plan(const Model& model, const SessionOptions& options);

  const Model& model() const { return *model_; }
  const Network& network() const { return *network_; }
  int64_t batch() const { return network_->batch(); }
  int64_t classes() const { return model_->spec().classes; }

  // Preprocessed pictures (count, 3, height, width) -> probabilities (count, classes). Any count:
  // it runs as many batches as that takes. Throws invalid_argument where a value is not finite,
  // bad_file where an answer is not.
  std::vector<float> run(std::span<const float> images);

  // Whole pictures. `crops` 1: the centre; 10: the mean over ten crops (the paper, section 4.1).
  std::vector<float> classify(const std::vector<Image>& images, int crops = 1);

  // Activations of a layer among options.outputs for the centre crops: (count, elements of one
  // image).
  std::vector<float> features(const std::vector<Image>& images, const std::string& layer);
  // as run() takes them
  std::vector<float> features(std::span<const float> prepared, const std::string& layer);

 private:
  enum class Values { ours, anyones };  // anyone's may be no finite numbers
  std::vector<float> probabilities_of(std::span<const float> prepared, Values values);
  std::vector<float> run_and_read(std::span<const float> images, const std::string& output,
                                  Values values);

  std::shared_ptr<const Model> model_;
  std::unique_ptr<Network> network_;
};

// What the network reads for these pictures: (count * crops, 3, height, width). `crops`: 1, the
// centre, or 10.
std::vector<float> prepare(const Model& model, const std::vector<Image>& images, int crops);

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
