// A model: network, weights, preprocessing and labels of one file. Immutable, shared by threads and
// sessions.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/preprocess.h"
#include "network/network.h"
#include "weights/weights.h"

namespace alx {

class Model {
 public:
  // A weight file of any kind that this library reads, or the zoo name of a network whose weights
  // come with the library ("alexnet-cifar10"). `as`: the network to read a file without our
  // metadata into, as network_named() takes it; empty: by its tensors. Every size is checked here;
  // weights are read when a session is made.
  static std::shared_ptr<const Model> open(const std::string& file_or_name,
                                           const std::string& as = "", const Limits& limits = {});
  static std::shared_ptr<const Model> open(std::vector<std::byte> file, const std::string& as = "",
                                           const Limits& limits = {});
  static std::shared_ptr<const Model> open_file(const std::string& path, const std::string& as = "",
                                                const Limits& limits = {});  // no name

  // A network whose weights come from elsewhere: random_weights(seed), or a trainer's copy.
  // `labels` empty: the default.
  static std::shared_ptr<const Model> of(const NetSpec& spec, WeightSource source,
                                         std::vector<std::string> labels = {}, MeanImage mean = {});

  const NetSpec& spec() const { return spec_; }
  const std::vector<std::string>& labels() const { return labels_; }  // one for each class
  const Preprocessor& preprocessor() const { return *preprocessor_; }
  const WeightFile* file() const { return file_ ? &*file_ : nullptr; }  // null: not from a file
  // for messages: file or name
  std::string description() const;
  // shares packed weights between networks
  void load(Network& network) const;

 private:
  Model() = default;
  static std::shared_ptr<const Model> open(WeightFile file, const std::string& as);
  NetSpec spec_;
  std::vector<std::string> labels_;
  std::unique_ptr<const Preprocessor> preprocessor_;
  std::optional<WeightFile> file_;
  WeightSource source_;
  mutable SharedWeights shared_;
};

// The mean image that `input`, which comes from the file, names; empty where it names none.
MeanImage mean_image_of(const WeightFile& file, const InputSpec& input);

// The weights of an opened file as a network loads them; the file must outlive the source.
WeightSource weights_from(const WeightFile& file);

// Weights in memory, by parameter name.
using DenseWeights = std::map<std::string, std::vector<float>>;
WeightSource weights_from(std::shared_ptr<const DenseWeights> weights);

// Labels for a network of this many classes that has none of its own: ImageNet's, or "class 0" ...
std::vector<std::string> default_labels(int64_t classes);

}  // namespace alx
