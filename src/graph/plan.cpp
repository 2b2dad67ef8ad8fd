#include "graph/plan.h"

#include <algorithm>

#include "core/error.h"
#include "graph/memory.h"

namespace alx {
namespace {

// An edge between two different devices: dense memory at both ends.
class CrossDeviceCopy : public Kernel {
 public:
  CrossDeviceCopy(std::shared_ptr<Backend> from, std::shared_ptr<Backend> to, const Value& value, bool grad)
      : from_(std::move(from)), to_(std::move(to)) {
    const TensorDesc dense{value.shape, value.type, nullptr};
    spec_.inputs = spec_.outputs = {dense};
    if (grad) spec_.input_grads = spec_.output_grads = {dense};
    spec_.reads_late = true;
    spec_.implementation = from_->name() + " -> " + to_->name();
  }
  void bind(const Binding& binding) override { memory_ = binding; }
  void forward(const StepContext&) override {
    to_->copy_from(*from_, memory_.inputs[0], memory_.outputs[0], spec_.inputs[0].bytes());
  }
  void backward(const StepContext&) override {
    if (!spec_.input_grads.empty())
      from_->copy_from(*to_, memory_.output_grads[0], memory_.input_grads[0], spec_.inputs[0].bytes());
  }

 private:
  std::shared_ptr<Backend> from_, to_;
  Binding memory_;
};

}  // namespace

// Builds the plan: forward in order, backward in reverse, then lifetimes.
struct Plan::Compiler {
  Plan& plan;
  const Lowered& net;
  Phase phase;
  DataType precision;
  std::vector<int> device_of_slot;
  std::vector<TensorDesc> desc;       // of each value, as its producer lays it out
  std::vector<int> tensor;            // of each value
  std::vector<TensorDesc> grad_desc;  // of each value's gradient, as its consumer lays it out
  std::vector<int> grad_tensor;       // -1: no consumer gave one
  std::vector<size_t> kernel_of_node;

  size_t index(int i) const { return static_cast<size_t>(i); }

  int add_tensor(size_t bytes, int device) {
    plan.tensors_.push_back({bytes, device, -1, -1, static_cast<int>(plan.tensors_.size())});
    return static_cast<int>(plan.tensors_.size()) - 1;
  }

  size_t add_kernel(std::unique_ptr<Kernel> kernel, Use use) {
    plan.kernels_.push_back(std::move(kernel));
    plan.uses_.push_back(std::move(use));
    return plan.kernels_.size() - 1;
  }

  void run(size_t kernel, bool backward, const std::string& name) {
    (backward ? plan.backward_ : plan.forward_).push_back({plan.kernels_[kernel].get(), backward, name, {}});
  }

  // A tensor that holds `from`'s content as `wanted` lays it out: itself, or a reorder's output.
  int as(int source, const TensorDesc& from, const TensorDesc& wanted, int device, bool backward,
         const std::string& name) {
    if (from.same_memory(wanted)) return source;
    Use use;
    use.inputs = {source};
    use.outputs = {add_tensor(wanted.bytes(), device)};
    auto kernel = plan.devices_[index(device)]->compile_reorder(from, wanted);
    use.forward_workspace = add_scratch(kernel->spec().forward_workspace, device);
    const int output = use.outputs[0];
    run(add_kernel(std::move(kernel), std::move(use)), false, name);
    if (backward) {  // a reorder in the backward list still runs forward
      plan.backward_.push_back(plan.forward_.back());
      plan.forward_.pop_back();
    }
    return output;
  }

  int add_scratch(size_t bytes, int device) { return bytes ? add_tensor(bytes, device) : -1; }

  std::unique_ptr<Kernel> compile(const LoweredNode& node, int device, int source_device) {
    CompileRequest request{node.name, {}, {}, phase, precision};
    for (int value : node.inputs) {
      request.inputs.push_back(desc[index(value)]);
      request.input_grads.push_back(phase == Phase::training && net.values[index(value)].needs_grad);
    }
    if (std::holds_alternative<Copy>(node.op) && source_device != device)
      return std::make_unique<CrossDeviceCopy>(plan.devices_[index(source_device)], plan.devices_[index(device)],
                                               net.values[index(node.inputs[0])], request.input_grads[0]);
    return plan.devices_[index(device)]->compile(node.op, request);
  }

  void compile_forward(const LoweredNode& node) {
    const int device = device_of_slot[index(node.slot)];
    const int source_device = device_of_slot[index(net.values[index(node.inputs[0])].slot)];
    auto kernel = compile(node, device, source_device);
    const KernelSpec& spec = kernel->spec();
    Use use;
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      const int value = node.inputs[i];
      const int on = std::holds_alternative<Copy>(node.op) ? source_device : device;
      use.inputs.push_back(
          as(tensor[index(value)], desc[index(value)], spec.inputs[i], on, false, node.name + ":reorder"));
    }
    for (size_t i = 0; i < node.outputs.size(); ++i) {
      const int made = add_tensor(spec.outputs[i].bytes(), device);
      if (spec.alias) plan.tensors_[index(made)].block = plan.tensors_[index(use.inputs[0])].block;
      use.outputs.push_back(made);
      tensor[index(node.outputs[i])] = made;
      desc[index(node.outputs[i])] = spec.outputs[i];
    }
    for (size_t i = 0; i < node.params.size(); ++i) {
      PlannedParam& param = plan.params_[index(node.params[i])];
      param.device = device;
      param.desc = spec.params.at(i);
      use.params.push_back(node.params[i]);
      if (phase == Phase::training) plan.gradients_[index(node.params[i])] = add_tensor(param.desc.bytes(), device);
    }
    use.forward_workspace = add_scratch(spec.forward_workspace, device);
    if (phase == Phase::training) {
      use.backward_workspace = add_scratch(spec.backward_workspace, device);
      use.state = add_scratch(spec.state, device);
    }
    const bool runs = !spec.alias;
    const size_t id = add_kernel(std::move(kernel), std::move(use));
    kernel_of_node.push_back(id);
    if (runs) run(id, false, node.name);
  }

  void compile_backward(const LoweredNode& node, size_t id) {
    const KernelSpec& spec = plan.kernels_[id]->spec();
    const int device = device_of_slot[index(node.slot)];
    const bool any_param = std::any_of(node.params.begin(), node.params.end(),
                                       [&](int param) { return net.params[index(param)].rule.rate != 0; });
    const bool any_grad = std::any_of(spec.input_grads.begin(), spec.input_grads.end(),
                                      [](const TensorDesc& grad) { return !grad.shape.empty(); });
    if (!any_param && !any_grad) {  // bound to nothing, and not run
      plan.uses_[id].output_grads.assign(spec.output_grads.size(), -1);
      plan.uses_[id].input_grads.assign(spec.input_grads.size(), -1);
      return;
    }
    for (size_t i = 0; i < spec.output_grads.size(); ++i) {
      const TensorDesc& wanted = spec.output_grads[i];
      if (wanted.shape.empty()) {
        plan.uses_[id].output_grads.push_back(-1);
        continue;
      }
      const size_t value = index(node.outputs[i]);
      check(grad_tensor[value] >= 0, Code::internal, "no gradient reaches ", net.values[value].name);
      const int grad = as(grad_tensor[value], grad_desc[value], wanted, device, true, node.name + ":reorder");
      plan.uses_[id].output_grads.push_back(grad);
    }
    for (size_t i = 0; i < spec.input_grads.size(); ++i) {
      const TensorDesc& given = spec.input_grads[i];
      const size_t value = index(node.inputs[i]);
      int grad = -1;
      if (!given.shape.empty()) {
        const int on = device_of_slot[index(net.values[value].slot)];
        grad = add_tensor(given.bytes(), on);
        grad_tensor[value] = grad;
        grad_desc[value] = given;
      }
      plan.uses_[id].input_grads.push_back(grad);
    }
    run(id, true, node.name);
    plan.backward_.back().gradients = node.params;
  }

  // --- lifetimes -------------------------------------------------------------------------------------------------

  void touch(int id, int time) {
    if (id < 0) return;
    Tensor& t = plan.tensors_[index(plan.tensors_[index(id)].block)];
    if (t.first < 0 || time < t.first) t.first = time;
    t.last = std::max(t.last, time);
  }

  template <class Visit>
  void each_action(Visit visit) {  // visit(time, kernel index, whether it runs backward)
    std::map<const Kernel*, size_t> index_of;
    for (size_t i = 0; i < plan.kernels_.size(); ++i) index_of[plan.kernels_[i].get()] = i;
    int time = 1;  // 0 is before the first action: the input is there
    for (const auto* list : {&plan.forward_, &plan.backward_})
      for (const Action& action : *list) visit(time++, index_of.at(action.kernel), action.backward);
  }

  void find_lifetimes() {
    const int end = static_cast<int>(plan.forward_.size() + plan.backward_.size()) + 1;
    each_action([&](int time, size_t id, bool backward) {
      const Use& use = plan.uses_[id];
      const KernelSpec& spec = plan.kernels_[id]->spec();
      touch(backward ? use.backward_workspace : use.forward_workspace, time);
      touch(use.state, time);
      if (!backward || spec.backward_reads_inputs)
        for (int t : use.inputs) touch(t, time);
      if (!backward && spec.reads_late)
        for (int t : use.inputs) touch(t, static_cast<int>(plan.forward_.size()));
      if (!backward || spec.backward_reads_outputs)
        for (int t : use.outputs) touch(t, time);
      if (!backward) return;
      for (int t : use.input_grads) touch(t, time);
      for (int t : use.output_grads) touch(t, spec.reads_late ? end : time);
      for (int param : use.params) touch(plan.gradients_[index(param)], time);
    });
    if (plan.keep_gradients_)
      for (int t : plan.gradients_) touch(t, end);
    for (Location* location : {&plan.data_, &plan.labels_}) {  // filled by the caller, whole until the end
      touch(location->tensor, 0);
      touch(location->tensor, end);
    }
    for (auto& [name, location] : plan.outputs_) touch(location.tensor, end);
  }

  // Lets `result` take the memory of `source` where that is not needed after `time`.
  void share(int source, int result, int time) {
    if (source < 0 || result < 0) return;
    const int a = plan.tensors_[index(source)].block, b = plan.tensors_[index(result)].block;
    Tensor &from = plan.tensors_[index(a)], &to = plan.tensors_[index(b)];
    if (a == b || from.last != time || to.first != time || from.bytes != to.bytes || from.device != to.device) return;
    for (Tensor& t : plan.tensors_)
      if (t.block == b) t.block = a;
    from.last = to.last;
  }

  void share_in_place() {
    each_action([&](int time, size_t id, bool backward) {
      const Use& use = plan.uses_[id];
      const KernelSpec& spec = plan.kernels_[id]->spec();
      if (!backward && spec.in_place) share(use.inputs[0], use.outputs[0], time);
      if (backward && spec.grad_in_place && !use.output_grads.empty() && !use.input_grads.empty())
        share(use.output_grads[0], use.input_grads[0], time);
    });
  }

  void place_memory() {
    std::vector<Block> blocks(plan.tensors_.size());
    for (size_t i = 0; i < blocks.size(); ++i) {
      const Tensor& t = plan.tensors_[i];
      if (t.block == static_cast<int>(i) && t.first >= 0) blocks[i] = {t.bytes, t.device, t.first, t.last};
    }
    size_t alignment = 1;
    for (const auto& device : plan.devices_) alignment = std::max(alignment, device->alignment());
    Placement placement = place(blocks, static_cast<int>(plan.devices_.size()), alignment);
    plan.offsets_ = std::move(placement.offsets);
    plan.arena_bytes_ = std::move(placement.arena_bytes);
  }

  void input(int value, Location& location) {
    if (value < 0) return;
    const Value& v = net.values[index(value)];
    const int device = device_of_slot[index(v.slot)];
    desc[index(value)] = {v.shape, v.type, nullptr};
    tensor[index(value)] = add_tensor(desc[index(value)].bytes(), device);
    location = {device, desc[index(value)], tensor[index(value)]};
  }

  void compile_all() {
    input(net.data, plan.data_);
    input(net.labels, plan.labels_);
    for (const LoweredNode& node : net.nodes) compile_forward(node);
    if (phase == Phase::training)
      for (size_t i = net.nodes.size(); i-- > 0;) compile_backward(net.nodes[i], kernel_of_node[i]);
    for (const auto& [name, value] : net.outputs)
      plan.outputs_[name] = {device_of_slot[index(net.values[index(value)].slot)], desc[index(value)],
                             tensor[index(value)]};
    find_lifetimes();
    share_in_place();
    place_memory();
  }
};

Plan::Plan(const Lowered& net, const std::vector<std::shared_ptr<Backend>>& slots, Phase phase, DataType precision,
           bool keep_gradients)
    : keep_gradients_(keep_gradients) {
  int used = 1;
  for (const LoweredNode& node : net.nodes) used = std::max(used, node.slot + 1);
  check(!slots.empty(), Code::invalid_argument, "a network needs at least one device");
  check(slots.size() <= static_cast<size_t>(used), Code::invalid_argument, slots.size(),
        " devices were given, but this network has ", used, used == 1 ? " slot" : " slots",
        ": name at most that many (one device runs all slots)");
  std::vector<int> device_of_slot;
  for (int slot = 0; slot < used; ++slot) {
    const auto& backend = slots[std::min(static_cast<size_t>(slot), slots.size() - 1)];
    auto known = std::find(devices_.begin(), devices_.end(), backend);
    if (known == devices_.end()) known = devices_.insert(devices_.end(), backend);
    device_of_slot.push_back(static_cast<int>(known - devices_.begin()));
  }
  for (const ParamSpec& spec : net.params) params_.push_back({spec, 0, {}});
  if (phase == Phase::training) gradients_.resize(params_.size(), -1);
  const size_t values = net.values.size();
  Compiler compiler{*this,
                    net,
                    phase,
                    precision,
                    device_of_slot,
                    std::vector<TensorDesc>(values),
                    std::vector<int>(values, -1),
                    std::vector<TensorDesc>(values),
                    std::vector<int>(values, -1),
                    {}};
  compiler.compile_all();
}

Plan::~Plan() = default;

MemoryReport Plan::memory(int device) const {
  MemoryReport report;
  for (const PlannedParam& param : params_)
    if (param.device == device) report.weights += param.desc.bytes();
  for (const Action& action : backward_) {
    size_t made = 0;
    for (int param : action.gradients) {
      const Tensor& gradient = tensors_[static_cast<size_t>(gradients_[static_cast<size_t>(param)])];
      if (gradient.device == device) made += gradient.bytes;
    }
    report.gradients = keep_gradients_ ? report.gradients + made : std::max(report.gradients, made);
  }
  report.activations = arena_bytes_[static_cast<size_t>(device)] - report.gradients;
  for (const Tensor& t : tensors_)
    if (t.device == device) report.activations_unshared += t.bytes;
  for (const Use& use : uses_)
    for (const int scratch : {use.forward_workspace, use.backward_workspace})
      if (scratch >= 0 && tensors_[static_cast<size_t>(scratch)].device == device)
        report.workspace = std::max(report.workspace, tensors_[static_cast<size_t>(scratch)].bytes);
  return report;
}

void* Plan::address(const Location& location) const {
  if (location.tensor < 0) return nullptr;
  const Tensor& t = tensors_[static_cast<size_t>(location.tensor)];
  const auto block = static_cast<size_t>(t.block);
  return static_cast<char*>(arenas_[static_cast<size_t>(tensors_[block].device)]->data()) + offsets_[block];
}

void* Plan::gradient(size_t param) const { return address({0, {}, gradients_.at(param)}); }

void Plan::bind(const std::vector<void*>& weights) {
  arenas_.clear();
  std::vector<std::shared_ptr<Buffer>> arenas;  // all of them, or none
  for (size_t i = 0; i < devices_.size(); ++i)
    arenas.push_back(devices_[i]->allocate(std::max<size_t>(arena_bytes_[i], 1)));
  arenas_ = std::move(arenas);
  const auto addresses = [&](const std::vector<int>& ids) {
    std::vector<void*> result;
    for (int id : ids) result.push_back(address({0, {}, id}));
    return result;
  };
  for (size_t i = 0; i < kernels_.size(); ++i) {
    const Use& use = uses_[i];
    Binding binding{addresses(use.inputs),
                    addresses(use.outputs),
                    addresses(use.input_grads),
                    addresses(use.output_grads),
                    {},
                    {},
                    address({0, {}, use.forward_workspace}),
                    address({0, {}, use.backward_workspace}),
                    address({0, {}, use.state})};
    for (int param : use.params) {
      binding.params.push_back(weights[static_cast<size_t>(param)]);
      if (!gradients_.empty()) binding.param_grads.push_back(gradient(static_cast<size_t>(param)));
    }
    kernels_[i]->bind(binding);
  }
}

std::string Plan::describe() const {
  std::string text;
  for (const auto* list : {&forward_, &backward_})
    for (const Action& action : *list) {
      const KernelSpec& spec = action.kernel->spec();
      const auto layout = [](const TensorDesc& desc) {
        return desc.layout ? desc.layout->name() : std::string("dense");
      };
      text +=
          cat(action.backward ? "backward " : "forward  ", action.name, "  ", spec.implementation, "  ",
              layout(spec.inputs[0]), " -> ", layout(spec.outputs[0]), "  ", to_string(spec.outputs[0].shape), "\n");
    }
  return text;
}

}  // namespace alx
