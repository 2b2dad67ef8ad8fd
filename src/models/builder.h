// Writes a network down as it is read: every call appends a node, which reads the one before it unless told otherwise.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "models/zoo.h"

namespace alx::models {

inline ParamRule gaussian(float std) { return {{Init::Kind::normal, std}, 1, 1}; }

// Biases at cuda-convnet's and Caffe's pace: twice the rate of the weights, no decay.
inline ParamRule bias(float start) { return {{Init::Kind::constant, start}, 2, 0}; }

class NetBuilder {
 public:
  NetBuilder(std::string id, std::string source) {
    spec_.id = std::move(id);
    spec_.source = std::move(source);
  }

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

  NetBuilder& slot(int slot) {
    slot_ = slot;
    return *this;
  }
  NetBuilder& after(const std::string& name) {
    last_ = name;
    return *this;
  }
  NetBuilder& add(const std::string& name, Op op) { return add(name, std::move(op), {last_}); }
  NetBuilder& add(const std::string& name, Op op, std::vector<std::string> inputs);
  // A layer with its neuron; `name` comes to mean the activations (see NetSpec).
  NetBuilder& layer(const std::string& name, Op op, const std::string& neuron, Op activation = Relu{}) {
    return add(name, std::move(op)).add(neuron, std::move(activation)).alias(name, neuron);
  }
  NetBuilder& alias(const std::string& name, const std::string& node) {
    spec_.aliases[name] = node;
    return *this;
  }

  const std::string& last() const { return last_; }
  int64_t classes() const { return spec_.classes; }
  const InputSpec& input() const { return spec_.input; }

  // Softmax over the last node, which holds the logits.
  NetSpec finish();

 private:
  NetSpec spec_;
  std::string last_ = "data";
  int slot_ = inherit_slot;
};

}  // namespace alx::models
