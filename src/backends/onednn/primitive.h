// What runs oneDNN: the only file that executes primitives.
#pragma once
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "backends/onednn/layout.h"
#include "backends/onednn/runtime.h"

namespace alx::onednn {

dnnl::primitive_attr user_scratchpad();

// Runs on addresses, by the calling thread alone; several threads may run one at once.
class Primitive {
 public:
  Primitive() = default;
  // `primitive` was made from `descriptor`; run() takes the addresses of these arguments in their
  // order.
  template <class Descriptor>
  Primitive(const Descriptor& descriptor, dnnl::primitive primitive,
            const std::vector<int>& arguments)
      : primitive_(std::move(primitive)),
        scratchpad_(descriptor.scratchpad_desc()),
        name_(descriptor.impl_info_str()) {
    for (const int argument : arguments)
      arguments_.emplace_back(argument, descriptor.query_md(dnnl::query::exec_arg_md, argument));
  }

  const std::string& name() const { return name_; }
  const Md& md(size_t argument) const { return arguments_[argument].second; }
  int64_t scratch() const { return floats_for(scratchpad_.get_size()); }  // floats
  void run(const Runtime& runtime, float* scratch,
           std::initializer_list<const void*> addresses) const;

 private:
  dnnl::primitive primitive_;
  std::vector<std::pair<int, Md>> arguments_;
  Md scratchpad_;
  std::string name_;
};

// Copies one memory to another, which differs in type or layout.
void reorder(const Runtime& runtime, const Md& from, const void* source, const Md& to,
             void* target);

// Plain loops, or a generic implementation many times slower than the rest.
bool is_slow(const std::string& implementation);

}  // namespace alx::onednn
