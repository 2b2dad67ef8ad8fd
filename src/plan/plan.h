// A network lowered, compiled and placed: two flat lists of actions that run without allocating.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "plan/place.h"

namespace alx {

struct MemoryReport {  // bytes
  size_t weights = 0;
  size_t gradients = 0;  // of all parameters, or of those that exist at once
  // the rest of the arena: what kernels read, write, save and work in
  size_t activations = 0;
  size_t workspace = 0;             // of that, the largest scratch area of one kernel
  size_t activations_unshared = 0;  // what they would take if nothing shared memory
};

class Plan {
 public:
  // `slots[i]` runs slot i; the last one runs the remaining slots too.
  Plan(const Lowered& net, const std::vector<std::shared_ptr<Backend>>& slots,
       const PlanOptions& options);

  const std::vector<PlannedParam>& params() const { return compiled_.params; }
  // without repeats
  const std::vector<std::shared_ptr<Backend>>& devices() const { return devices_.list; }
  const std::vector<Action>& forward() const { return compiled_.forward; }
  const std::vector<Action>& backward() const { return compiled_.backward; }
  const std::map<std::string, Location>& outputs() const { return compiled_.outputs; }
  const Location& data() const { return compiled_.data; }
  const Location& result() const { return compiled_.result; }
  const std::optional<Location>& labels() const { return compiled_.labels; }
  const std::optional<Location>& loss() const { return compiled_.loss; }
  MemoryReport memory(size_t device) const;  // of devices()[device]

  // Binds every kernel: allocates the arenas; `weights` are addresses in the order of params().
  void bind(const std::vector<void*>& weights);
  // after bind
  void* address(const Location& location) const { return address(location.tensor); }
  // after bind, in training
  void* gradient(size_t param) const { return address(compiled_.gradients.at(param)); }

  // One line an action: name, implementation, layouts. For people.
  std::string describe() const;

 private:
  void* address(size_t tensor) const;

  Devices devices_;
  bool keep_gradients_;
  Compiled compiled_;
  Placement placement_;
  std::vector<std::shared_ptr<Buffer>> arenas_;
};

}  // namespace alx
