#include <chrono>

#include "core/median.h"
#include "network/network.h"

namespace alx {
namespace {

size_t bytes_of(const std::vector<TensorDesc>& tensors) {
  size_t bytes = 0;
  for (const TensorDesc& tensor : tensors)
    if (!tensor.shape.empty()) bytes += tensor.bytes();
  return bytes;
}

size_t traffic(const KernelSpec& spec, bool backward) {
  const size_t params = bytes_of(spec.params);
  if (!backward) return bytes_of(spec.inputs) + bytes_of(spec.outputs) + params;
  return bytes_of(spec.output_grads) + bytes_of(spec.input_grads) + 2 * params +
         (spec.backward_reads_inputs ? bytes_of(spec.inputs) : 0) +
         (spec.backward_reads_outputs ? bytes_of(spec.outputs) : 0);
}

}  // namespace

PassCost cost_of(const KernelSpec& spec, bool backward) {
  const bool input_grad = !spec.input_grads.empty() && !spec.input_grads[0].shape.empty();
  return {backward && input_grad ? 2 : 1, traffic(spec, backward)};
}

std::vector<ActionTime> Network::profile(int repeats) {
  std::vector<ActionTime> times;
  std::vector<const Action*> actions;
  for (const auto* list : {&plan_.forward(), &plan_.backward()})
    for (const Action& action : *list) {
      const KernelSpec& spec = action.kernel->spec();
      times.push_back({action.name, action.backward ? spec.backward_text() : spec.implementation,
                       list == &plan_.backward(), cost_of(spec, action.backward), 0});
      actions.push_back(&action);
    }
  std::vector<std::vector<double>> seconds(actions.size());
  for (int run = 0; run < repeats; ++run)
    for (size_t i = 0; i < actions.size(); ++i) {
      if (i == 0 || times[i].backward != times[i - 1].backward)
        for (const auto& device : plan_.devices()) device->begin_pass({});
      const auto begin = std::chrono::steady_clock::now();
      actions[i]->backward ? actions[i]->kernel->backward() : actions[i]->kernel->forward();
      synchronize();
      const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
      seconds[i].push_back(taken.count());
    }
  for (size_t i = 0; i < times.size(); ++i) times[i].seconds = median(std::move(seconds[i]));
  return times;
}

}  // namespace alx
