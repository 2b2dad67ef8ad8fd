#include "models/builder.h"

namespace alx::models {

NetBuilder::NetBuilder(std::string_view id, std::string_view source) {
  spec_.id = id;
  spec_.source = source;
}

NetBuilder& NetBuilder::input(InputSpec own, const ModelOptions& options) {
  spec_.input = std::move(own);
  set_size(spec_.input, options.height, options.width);
  return *this;
}

NetBuilder& NetBuilder::add(std::string_view name, Op op, std::vector<std::string> inputs) {
  spec_.nodes.push_back({std::string(name), std::move(op), std::move(inputs), slot_});
  last_ = name;
  return *this;
}

NetBuilder& NetBuilder::add(std::string_view name, Op op) {
  return add(name, std::move(op), {last_});
}

NetBuilder& NetBuilder::layer(std::string_view name, Op op, std::string_view neuron,
                              Op activation) {
  return add(name, std::move(op)).add(neuron, std::move(activation)).alias(name, neuron);
}

NetBuilder& NetBuilder::alias(std::string_view name, std::string_view node) {
  spec_.aliases[std::string(name)] = node;
  return *this;
}

NetSpec NetBuilder::finish() {
  spec_.logits = last_;
  add("prob", Softmax{});
  return std::move(spec_);
}

}  // namespace alx::models
