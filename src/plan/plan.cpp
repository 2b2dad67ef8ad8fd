#include "plan/plan.h"

#include <algorithm>

#include "core/error.h"

namespace alx {
namespace {

Devices bind_slots(const Lowered& net, const std::vector<std::shared_ptr<Backend>>& slots) {
  size_t used = 1;
  for (const LoweredNode& node : net.nodes) used = std::max(used, node.slot + 1);
  check(!slots.empty(), Code::invalid_argument, "a network needs at least one device");
  check(slots.size() <= used, Code::invalid_argument, slots.size(),
        " devices were given, but this network has ", used, used == 1 ? " slot" : " slots",
        ": name at most that many (one device runs all slots)");
  Devices devices;
  for (size_t slot = 0; slot < used; ++slot) {
    const auto& backend = slots[std::min(slot, slots.size() - 1)];
    auto known = std::ranges::find(devices.list, backend);
    if (known == devices.list.end()) known = devices.list.insert(devices.list.end(), backend);
    devices.of_slot.push_back(static_cast<size_t>(known - devices.list.begin()));
  }
  return devices;
}

}  // namespace

Plan::Plan(const Lowered& net, const std::vector<std::shared_ptr<Backend>>& slots,
           const PlanOptions& options)
    : devices_(bind_slots(net, slots)),
      keep_gradients_(options.keep_gradients),
      compiled_(compile(net, devices_, options)),
      placement_(place(compiled_, devices_, keep_gradients_)) {}

MemoryReport Plan::memory(size_t device) const {
  MemoryReport report;
  for (const PlannedParam& param : params())
    if (param.device == device) report.weights += param.desc.bytes();
  const auto bytes_here = [&](std::optional<size_t> tensor) {
    return tensor && compiled_.tensors[*tensor].device == device ? compiled_.tensors[*tensor].bytes
                                                                 : 0;
  };
  for (const Action& action : backward()) {
    size_t made = 0;
    for (size_t param : action.gradients) made += bytes_here(compiled_.gradients[param]);
    report.gradients = keep_gradients_ ? report.gradients + made : std::max(report.gradients, made);
  }
  const size_t shared = devices()[device]->scratch_bytes();
  report.activations = placement_.arena_bytes[device] - report.gradients + shared;
  report.activations_unshared = shared;
  for (size_t tensor = 0; tensor < compiled_.tensors.size(); ++tensor)
    report.activations_unshared += bytes_here(tensor);
  for (const CompiledKernel& kernel : compiled_.kernels)
    for (const auto& scratch : {kernel.forward_workspace, kernel.backward_workspace})
      report.workspace = std::max(report.workspace, bytes_here(scratch));
  return report;
}

void* Plan::address(size_t tensor) const {
  const size_t block = placement_.block[tensor];
  return static_cast<char*>(arenas_[compiled_.tensors[block].device]->data()) +
         placement_.offsets[block];
}

void Plan::bind(const std::vector<void*>& weights) {
  arenas_.clear();
  std::vector<std::shared_ptr<Buffer>> arenas;  // all of them, or none
  for (size_t i = 0; i < devices().size(); ++i)
    arenas.push_back(devices()[i]->allocate(std::max<size_t>(placement_.arena_bytes[i], 1)));
  arenas_ = std::move(arenas);
  const auto address_of = [&](std::optional<size_t> tensor) {
    return tensor ? address(*tensor) : nullptr;
  };
  const auto addresses = [&](const CompiledKernel::Tensors& tensors) {
    std::vector<void*> result;
    for (const std::optional<size_t>& tensor : tensors) result.push_back(address_of(tensor));
    return result;
  };
  for (const CompiledKernel& kernel : compiled_.kernels) {
    Binding binding{.inputs = addresses(kernel.inputs),
                    .outputs = addresses(kernel.outputs),
                    .input_grads = addresses(kernel.input_grads),
                    .output_grads = addresses(kernel.output_grads),
                    .params = {},
                    .param_grads = {},
                    .forward_workspace = address_of(kernel.forward_workspace),
                    .backward_workspace = address_of(kernel.backward_workspace),
                    .state = address_of(kernel.state)};
    for (size_t param : kernel.params) {
      binding.params.push_back(weights[param]);
      if (!compiled_.gradients.empty()) binding.param_grads.push_back(gradient(param));
    }
    kernel.kernel->bind(binding);
  }
  for (const auto& device : devices()) device->reserve_scratch();
}

std::string Plan::describe() const {
  const auto layout = [](const TensorDesc& desc) {
    return desc.layout ? desc.layout->name() : std::string("dense");
  };
  std::string text;
  for (const auto* list : {&forward(), &backward()})
    for (const Action& action : *list) {
      const KernelSpec& spec = action.kernel->spec();
      text += cat(action.backward ? "backward " : "forward  ", action.name, "  ",
                  action.backward ? spec.backward_text() : spec.implementation, "  ",
                  layout(spec.inputs[0]), " -> ", layout(spec.outputs[0]), "  ",
                  to_string(spec.outputs[0].shape), "\n");
    }
  return text;
}

}  // namespace alx
