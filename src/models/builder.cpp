#include "models/builder.h"

#include <algorithm>
#include <cmath>

namespace alx::models {

NetBuilder& NetBuilder::input(InputSpec own, const ModelOptions& options) {
  const double ratio = static_cast<double>(own.resize_size) / static_cast<double>(own.height);
  spec_.input = std::move(own);
  if (options.height > 0) spec_.input.height = options.height;
  if (options.width > 0) spec_.input.width = options.width;
  const int64_t longest = std::max(spec_.input.height, spec_.input.width);
  spec_.input.resize_size = std::llround(static_cast<double>(longest) * ratio);
  return *this;
}

NetBuilder& NetBuilder::add(const std::string& name, Op op, std::vector<std::string> inputs) {
  spec_.nodes.push_back({name, std::move(op), std::move(inputs), slot_});
  last_ = name;
  return *this;
}

NetSpec NetBuilder::finish() {
  spec_.logits = last_;
  add("prob", Softmax{});
  return std::move(spec_);
}

}  // namespace alx::models
