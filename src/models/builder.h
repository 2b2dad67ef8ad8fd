// Writes a network down as it is read: every call appends a node, which reads the one before it
// unless told otherwise.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "models/zoo.h"

namespace alx::models {

inline ParamRule gaussian(float std) { return {.init = {Init::Kind::normal, std}}; }

// Biases at cuda-convnet's and Caffe's pace: twice the rate of the weights, no decay.
inline ParamRule bias(float start) {
  return {.init = {Init::Kind::constant, start}, .rate = 2, .decay = 0};
}

inline constexpr ParamRule he{.init = {Init::Kind::he}};

// The paper's section 3.4: windows overlap; the last one may hang over the edge, as in the released
// code and in Caffe.
inline constexpr MaxPool overlapping_pool{.kernel = 3, .stride = 2, .round = Round::ceil};

// cuda-convnet's rnorm: over size x size of the same map, `scale` divided by their number.
inline Lrn spatial_norm(int64_t size, float scale) {
  return {.size = size, .k = 1, .alpha = scale, .beta = 0.75f, .region = Lrn::Region::within};
}

class NetBuilder {
 public:
  NetBuilder(std::string_view id, std::string_view source);

  // `own` is the input as published; another size keeps the ratio between crop and resized picture.
  NetBuilder& input(InputSpec own, const ModelOptions& options);
  NetBuilder& recipe(Recipe recipe) {
    spec_.recipe = std::move(recipe);
    return *this;
  }
  NetBuilder& classes(int64_t own, const ModelOptions& options) {
    spec_.classes = options.classes > 0 ? options.classes : own;
    return *this;
  }

  NetBuilder& slot(size_t slot) {
    slot_ = slot;
    return *this;
  }
  NetBuilder& after(std::string_view name) {
    last_ = name;
    return *this;
  }
  NetBuilder& add(std::string_view name, Op op);
  NetBuilder& add(std::string_view name, Op op, std::vector<std::string> inputs);
  // A layer with its neuron; `name` comes to mean the activations (see NetSpec).
  NetBuilder& layer(std::string_view name, Op op, std::string_view neuron, Op activation = Relu{});
  NetBuilder& alias(std::string_view name, std::string_view node);

  const std::string& last() const { return last_; }
  int64_t classes() const { return spec_.classes; }
  const InputSpec& input() const { return spec_.input; }

  // Softmax over the last node, which holds the logits.
  NetSpec finish();

 private:
  NetSpec spec_;
  std::string last_ = "data";
  std::optional<size_t> slot_;
};

}  // namespace alx::models
