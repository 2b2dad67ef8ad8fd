#include "plan/compile.h"

#include <algorithm>

#include "core/error.h"
#include "plan/cross_device_copy.h"
#include "plan/types.h"

namespace alx {
namespace {

// What becomes one kernel: a node, or several of which each but the first is the only reader of the
// one before.
struct Unit {
  const LoweredNode *first, *last;
  size_t source_device, device;  // they differ for an edge between devices alone
  size_t kernel = 0;
};

class Compiler {
 public:
  Compiler(const Lowered& net, const Devices& devices, const PlanOptions& options)
      : net_(net),
        devices_(devices),
        options_(options),
        training_(options.phase == Phase::training),
        values_(net.values.size()) {
    for (const ParamSpec& spec : net.params) out_.params.push_back({spec, 0, {}});
    if (training_) out_.gradients.resize(net.params.size());
    find_readers();
  }

  Compiled run() {
    out_.data = input(net_.data);
    if (net_.labels) out_.labels = input(*net_.labels);
    std::vector<bool> done(net_.nodes.size());
    for (size_t i = 0; i < net_.nodes.size(); ++i)
      if (!done[i]) compile_forward(i, done);
    if (training_)
      for (size_t i = units_.size(); i-- > 0;) compile_backward(units_[i]);
    out_.result = location(net_.result);
    if (net_.loss) out_.loss = location(*net_.loss);
    for (const auto& [name, value] : net_.outputs) out_.outputs[name] = location(value);
    return std::move(out_);
  }

 private:
  struct Known {
    TensorDesc desc;  // as its producer lays it out
    size_t tensor = 0;
    TensorDesc grad_desc;  // as its consumer lays it out
    std::optional<size_t> grad;
    std::optional<size_t> only_reader;  // a node, where nobody else asks for the value
  };

  void find_readers() {
    std::vector<size_t> readers(values_.size());
    for (size_t i = 0; i < net_.nodes.size(); ++i)
      for (size_t value : net_.nodes[i].inputs) {
        values_[value].only_reader = i;
        ++readers[value];
      }
    for (size_t value = 0; value < values_.size(); ++value)
      if (readers[value] != 1) values_[value].only_reader.reset();
    values_[net_.result].only_reader.reset();
    if (net_.loss) values_[*net_.loss].only_reader.reset();
    for (const auto& [name, value] : net_.outputs) values_[value].only_reader.reset();
  }

  size_t device_of(size_t value) const { return devices_.of_slot[net_.values[value].slot]; }
  Backend& backend(size_t device) const { return *devices_.list[device]; }

  Location location(size_t value) const {
    return {device_of(value), values_[value].desc, values_[value].tensor};
  }

  Location input(size_t value) {
    const Value& v = net_.values[value];
    values_[value].desc = {v.shape, v.type, nullptr};
    values_[value].tensor = add_tensor(values_[value].desc.bytes(), device_of(value));
    return location(value);
  }

  size_t add_tensor(size_t bytes, size_t device) {
    out_.tensors.push_back({bytes, device, out_.tensors.size()});
    return out_.tensors.size() - 1;
  }
  std::optional<size_t> add_scratch(size_t bytes, size_t device) {
    return bytes ? std::optional(add_tensor(bytes, device)) : std::nullopt;
  }

  size_t add_kernel(CompiledKernel kernel) {
    out_.kernels.push_back(std::move(kernel));
    return out_.kernels.size() - 1;
  }
  Action action(size_t kernel, bool backward, const std::string& name) const {
    return {out_.kernels[kernel].kernel.get(), kernel, backward, name};
  }

  // A tensor that holds `from`'s content as `wanted` lays it out: itself, or the output of a
  // reorder in this list.
  size_t as(size_t source, const TensorDesc& from, const TensorDesc& wanted, size_t device,
            const std::string& reader, std::vector<Action>& list) {
    if (from.same_memory(wanted)) return source;
    CompiledKernel reorder{.kernel = backend(device).compile_reorder(from, wanted)};
    const size_t output = add_tensor(wanted.bytes(), device);
    reorder.inputs = {source};
    reorder.outputs = {output};
    reorder.forward_workspace = add_scratch(reorder.kernel->spec().forward_workspace, device);
    list.push_back(action(add_kernel(std::move(reorder)), false, reader + ":reorder"));
    return output;
  }

  // The nodes from this one on, of one output each, of which each is the only reader of the one
  // before.
  std::vector<size_t> run_from(size_t i) const {
    std::vector<size_t> run{i};
    for (;;) {
      const LoweredNode& node = net_.nodes[run.back()];
      const std::optional<size_t>& next = values_[node.outputs[0]].only_reader;
      if (node.outputs.size() != 1 || !next) return run;
      const LoweredNode& reader = net_.nodes[*next];
      if (reader.inputs.size() != 1 || reader.outputs.size() != 1 || reader.slot != node.slot)
        return run;
      run.push_back(*next);
    }
  }

  CompileRequest request_for(const LoweredNode& node) const {
    CompileRequest request;
    request.name = node.name;
    request.layer = node.layer;
    request.phase = options_.phase;
    request.types = types_for(node);
    request.step = backend(devices_.of_slot[node.slot]).step();
    for (size_t value : node.inputs) {
      request.inputs.push_back(values_[value].desc);
      request.input_grads.push_back(training_ && net_.values[value].needs_grad);
    }
    return request;
  }

  NodeTypes types_for(const LoweredNode& node) const {
    const auto own = options_.layers.find(node.name);
    const Precision precision = own == options_.layers.end() ? options_.precision : own->second;
    const Backend& device = backend(devices_.of_slot[node.slot]);
    check_takes(device.title(), device.precisions(options_.phase), precision, options_.phase);
    return types_of(node.op, precision, options_.phase);
  }

  // The kernel that begins with node i, what it stands for, and its parameters.
  std::unique_ptr<Kernel> compile_unit(size_t i, std::vector<bool>& done, Unit& unit,
                                       std::vector<size_t>& params) {
    const LoweredNode& node = net_.nodes[i];
    params = node.params;
    unit = {&node, &node, device_of(node.inputs[0]), devices_.of_slot[node.slot]};
    const CompileRequest request = request_for(node);
    done[i] = true;
    if (unit.source_device != unit.device)
      return make_cross_device_copy(devices_.list[unit.source_device], devices_.list[unit.device],
                                    request.inputs[0], request.input_grads[0]);
    const std::vector<size_t> nodes = options_.runs ? run_from(i) : std::vector{i};
    std::vector<RunNode> run;
    for (size_t each : nodes)
      run.push_back({net_.nodes[each].name, net_.nodes[each].layer, net_.nodes[each].op,
                     types_for(net_.nodes[each])});
    CompiledRun made = backend(unit.device).compile_run(run, request);
    for (size_t k = 1; k < made.nodes; ++k) {
      const LoweredNode& more = net_.nodes[nodes[k]];
      params.insert(params.end(), more.params.begin(), more.params.end());
      unit.last = &more;
      done[nodes[k]] = true;
    }
    return std::move(made.kernel);
  }

  void compile_forward(size_t i, std::vector<bool>& done) {
    Unit unit;
    CompiledKernel made;
    made.kernel = compile_unit(i, done, unit, made.params);
    const KernelSpec& spec = made.kernel->spec();
    for (size_t k = 0; k < unit.first->inputs.size(); ++k) {
      const Known& value = values_[unit.first->inputs[k]];
      made.inputs.push_back(as(value.tensor, value.desc, spec.inputs[k], unit.source_device,
                               unit.first->name, out_.forward));
    }
    for (size_t k = 0; k < unit.last->outputs.size(); ++k) {
      const size_t tensor = add_tensor(spec.outputs[k].bytes(), unit.device);
      if (spec.alias) out_.tensors[tensor].memory_of = out_.tensors[*made.inputs[0]].memory_of;
      made.outputs.push_back(tensor);
      Known& value = values_[unit.last->outputs[k]];
      value.tensor = tensor;
      value.desc = spec.outputs[k];
    }
    for (size_t k = 0; k < made.params.size(); ++k) {
      PlannedParam& param = out_.params[made.params[k]];
      param.device = unit.device;
      param.desc = spec.params.at(k);
      if (training_) out_.gradients[made.params[k]] = add_tensor(param.desc.bytes(), unit.device);
    }
    made.forward_workspace = add_scratch(spec.forward_workspace, unit.device);
    if (training_) {
      made.backward_workspace = add_scratch(spec.backward_workspace, unit.device);
      made.state = add_scratch(spec.state, unit.device);
    }
    const bool runs = !spec.alias;
    unit.kernel = add_kernel(std::move(made));
    if (runs) out_.forward.push_back(action(unit.kernel, false, unit.last->name));
    units_.push_back(unit);
  }

  void compile_backward(const Unit& unit) {
    const std::vector<size_t>& params = out_.kernels[unit.kernel].params;
    const KernelSpec& spec = out_.kernels[unit.kernel].kernel->spec();
    const auto given = [](const TensorDesc& grad) { return !grad.shape.empty(); };
    CompiledKernel::Tensors input_grads(spec.input_grads.size()),
        output_grads(spec.output_grads.size());
    const bool needed =
        std::ranges::any_of(params,
                            [&](size_t param) { return net_.params[param].rule.rate != 0; }) ||
        std::ranges::any_of(spec.input_grads, given);
    for (size_t k = 0; needed && k < output_grads.size(); ++k) {
      if (!given(spec.output_grads[k])) continue;
      const Known& value = values_[unit.last->outputs[k]];
      check(value.grad.has_value(), Code::internal, "no gradient reaches ", unit.last->name);
      output_grads[k] = as(*value.grad, value.grad_desc, spec.output_grads[k], unit.device,
                           unit.last->name, out_.backward);
    }
    for (size_t k = 0; needed && k < input_grads.size(); ++k) {
      if (!given(spec.input_grads[k])) continue;
      Known& value = values_[unit.first->inputs[k]];
      input_grads[k] = value.grad = add_tensor(spec.input_grads[k].bytes(), unit.source_device);
      value.grad_desc = spec.input_grads[k];
    }
    out_.kernels[unit.kernel].input_grads = std::move(input_grads);
    out_.kernels[unit.kernel].output_grads = std::move(output_grads);
    if (!needed) return;  // bound to nothing, and not run
    out_.backward.push_back(action(unit.kernel, true, unit.first->name));
    out_.backward.back().gradients = out_.kernels[unit.kernel].params;
  }

  const Lowered& net_;
  const Devices& devices_;
  const PlanOptions& options_;
  const bool training_;
  std::vector<Known> values_;
  std::vector<Unit> units_;
  Compiled out_;
};

}  // namespace

Compiled compile(const Lowered& net, const Devices& devices, const PlanOptions& options) {
  return Compiler(net, devices, options).run();
}

}  // namespace alx
