// gpu_time DEVICE MODEL BATCH PRECISION infer|train [REPEATS]: what a network costs on a device
// that has its pictures already: each op alone, its kernel, the bytes it must move and its
// arithmetic; the update; then the whole pass or step. One JSON object a line. Repeats of an op are
// recorded where the device can, so that the host's launches are not in its time; the whole is
// timed step by step, as a program sees it.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <nlohmann/json.hpp>

#include "backends/registry.h"
#include "core/error.h"
#include "core/number.h"
#include "core/random.h"
#include "models/zoo.h"
#include "network/bundled.h"
#include "network/model.h"
#include "network/session.h"
#include "plan/lower.h"
#include "plan/types.h"
#include "train/replicas.h"

namespace alx {
namespace {

struct Wanted {
  std::string device, model;
  int64_t batch = 1;
  Precision precision = Precision::fp32;
  bool train = false;
  int repeats = 20;
};

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Uniform in [-scale, scale): no zeros, which cost less power and so less time.
std::vector<float> noise(size_t count, uint64_t stream, float scale) {
  const Random random(2, stream, 0);
  std::vector<float> values(count);
  for (size_t i = 0; i < count; i += 4) {
    const auto words = random.words(i);
    for (size_t j = i; j < std::min(i + 4, count); ++j)
      values[j] = scale * (2 * Random::to_unit(words[j - i]) - 1);
  }
  return values;
}

double milliseconds(Backend& device, int repeats, const std::function<void()>& work) {
  for (int i = 0; i < 2; ++i) work();
  device.synchronize();
  const auto many = [&] {
    for (int i = 0; i < repeats; ++i) work();
  };
  const auto recording = device.record(many);
  std::vector<double> times;
  for (int round = 0; round < 6; ++round) {
    device.synchronize();
    const double start = now();
    recording ? recording->replay() : many();
    device.synchronize();
    // the first uploads the recording
    if (round > 0) times.push_back((now() - start) / repeats * 1e3);
  }
  return median(times);
}

// What forward and backward must read and write at least.
size_t bytes_of(const std::vector<TensorDesc>& tensors) {
  size_t sum = 0;
  for (const TensorDesc& tensor : tensors) sum += tensor.shape.empty() ? 0 : tensor.bytes();
  return sum;
}

// One op of the lowered network with memory of its own.
class TimedOp {
 public:
  TimedOp(Backend& device, const Op& op, const CompileRequest& request)
      : device_(device), op_(op), request_(request) {
    const double start = now();
    kernel_ = device.compile(op, request);
    compile_ms_ = (now() - start) * 1e3;
  }

  const KernelSpec& spec() const { return kernel_->spec(); }

  nlohmann::json measure(const StepContext& step, int repeats) {
    const bool train = request_.phase == Phase::training;
    bind(train);
    device_.begin_pass(step);
    nlohmann::json line{{"op", request_.name},
                        {"kind", name_of(op_)},
                        {"kernel", spec().implementation},
                        {"compile_ms", compile_ms_},
                        {"scratch_mb", scratch_mb()}};
    const double flops = 2 * static_cast<double>(multiply_adds(op_, shapes()));
    const size_t params = bytes_of(spec().params), in = bytes_of(spec().inputs),
                 out = bytes_of(spec().outputs);
    line["forward"] = {
        {"ms", spec().alias ? 0 : milliseconds(device_, repeats, [&] { kernel_->forward(); })},
        {"bytes", spec().alias ? 0 : in + out + params},
        {"flops", flops}};
    if (!train) return line;
    const size_t in_grads = bytes_of(spec().input_grads);
    line["backward"] = {
        {"ms", milliseconds(device_, repeats, [&] { kernel_->backward(); })},
        {"bytes", bytes_of(spec().output_grads) + in_grads + (in_grads ? params : 0) + params +
                      (spec().backward_reads_inputs ? in : 0) +
                      (spec().backward_reads_outputs ? out : 0)},
        {"flops", flops * ((params ? 1 : 0) + (in_grads ? 1 : 0))}};
    return line;
  }

 private:
  std::vector<Shape> shapes() const {
    std::vector<Shape> list;
    for (const TensorDesc& input : request_.inputs) list.push_back(input.shape);
    return list;
  }
  double scratch_mb() const {
    return static_cast<double>(spec().forward_workspace + spec().backward_workspace) / 1e6;
  }

  void* raw(size_t bytes) {
    if (bytes == 0) return nullptr;
    held_.push_back(device_.allocate(bytes));
    return held_.back()->data();
  }
  void* filled(const TensorDesc& desc, float scale) {
    if (desc.shape.empty()) return nullptr;
    void* const memory = raw(desc.bytes());
    if (desc.type == DataType::i32) return memory;  // zeros are labels
    const auto count = static_cast<size_t>(element_count(desc.shape));
    device_.upload(noise(count, held_.size(), scale).data(), desc, memory);
    return memory;
  }

  void bind(bool train) {
    Binding b;
    for (const auto& desc : spec().inputs) b.inputs.push_back(filled(desc, 1));
    for (const auto& desc : spec().outputs)
      b.outputs.push_back(spec().alias ? b.inputs[0] : raw(desc.bytes()));
    for (const auto& desc : spec().params) {
      b.params.push_back(filled(desc, 0.02f));
      if (train) b.param_grads.push_back(raw(desc.bytes()));
    }
    for (const auto& desc : spec().output_grads) b.output_grads.push_back(filled(desc, 1e-2f));
    for (const auto& desc : spec().input_grads)
      b.input_grads.push_back(desc.shape.empty() ? nullptr : raw(desc.bytes()));
    b.forward_workspace = raw(spec().forward_workspace);
    b.backward_workspace = raw(spec().backward_workspace);
    b.state = raw(spec().state);
    kernel_->bind(b);
  }

  Backend& device_;
  const Op& op_;
  CompileRequest request_;
  std::unique_ptr<Kernel> kernel_;
  double compile_ms_ = 0;
  std::vector<std::shared_ptr<Buffer>> held_;
};

void print(const nlohmann::json& line) { std::cout << line.dump() << std::endl; }

nlohmann::json measure_update(Backend& device, const Lowered& net, const StepContext& step,
                              int repeats) {
  size_t count = 0;
  for (const ParamSpec& param : net.params)
    count += static_cast<size_t>(element_count(param.shape));
  std::vector<std::shared_ptr<Buffer>> memory;
  for (int i = 0; i < 3; ++i) memory.push_back(device.allocate(count * sizeof(float)));
  const Update sgd{
      Sgd{}, memory[0]->data(), {static_cast<float*>(memory[1]->data())}, memory[2]->data(), count,
      1};
  device.begin_pass(step);
  const double ms = milliseconds(device, repeats, [&] { device.update(sgd); });
  return {{"op", "update"},
          {"kind", "sgd"},
          {"kernel", ""},
          {"forward", {{"ms", ms}, {"bytes", 5 * count * sizeof(float)}, {"flops", 0}}}};
}

void measure_ops(const Wanted& wanted, const NetSpec& spec, const StepContext& step) {
  const auto device = open_devices(wanted.device)[0];
  LowerRequest request;
  request.batch = wanted.batch;
  request.phase = wanted.train ? Phase::training : Phase::inference;
  request.loss = wanted.train;
  const Lowered net = lower(spec, request);
  std::vector<DataType> types;  // of each value, as its producer gives it
  for (const Value& value : net.values) types.push_back(value.type);
  for (const LoweredNode& node : net.nodes) {
    CompileRequest compile{.name = node.name,
                           .layer = node.layer,
                           .inputs = {},
                           .input_grads = {},
                           .phase = request.phase,
                           .types = types_of(node.op, wanted.precision, request.phase),
                           .step = device->step()};
    for (const size_t input : node.inputs) {
      const Value& value = net.values[input];
      compile.inputs.push_back({value.shape, types[input], nullptr});
      if (wanted.train) compile.input_grads.push_back(value.needs_grad);
    }
    TimedOp op(*device, node.op, compile);
    for (size_t i = 0; i < node.outputs.size(); ++i)
      types[node.outputs[i]] = op.spec().outputs[i].type;
    print(op.measure(step, wanted.repeats));
  }
  if (wanted.train) print(measure_update(*device, net, step, wanted.repeats));
}

double whole_ms(const std::vector<std::shared_ptr<Backend>>& devices, int repeats,
                const std::function<void()>& run) {
  const auto wait = [&] {
    for (const auto& device : devices) device->synchronize();
  };
  std::vector<double> times;
  for (int i = 0; i < repeats + 4; ++i) {
    wait();
    const double start = now();
    run();
    wait();
    if (i >= 4) times.push_back((now() - start) * 1e3);  // the first choose kernels and record them
  }
  return median(times);
}

// Weights as the model has them: drawn, or from a file.
double measure_whole(const Wanted& wanted, const Model& model, const StepContext& step) {
  const auto devices = open_devices(wanted.device);
  NetworkOptions options;
  options.batch = wanted.batch;
  options.precision = wanted.precision;
  options.phase = wanted.train ? Phase::training : Phase::inference;
  options.keep_gradients = false;
  const auto images = [&](const Network& network) {
    return noise(static_cast<size_t>(element_count(network.input_shape())), 1,
                 model.spec().input.scale > 1 ? 100 : 1);
  };
  if (!wanted.train) {
    Network network(model.spec(), devices, options);
    model.load(network);
    network.set_input(images(network));
    return whole_ms(devices, wanted.repeats, [&] { network.forward(step); });
  }
  Replicas replicas(model.spec(), devices, options, model.spec().recipe);
  replicas.load(model.file() ? weights_from(*model.file()) : random_weights(1));
  std::vector<int32_t> labels(static_cast<size_t>(wanted.batch));
  for (size_t i = 0; i < labels.size(); ++i)
    labels[i] = static_cast<int32_t>(static_cast<int64_t>(i) % model.spec().classes);
  replicas.forward(images(replicas.network()), labels, step);
  replicas.backward(step);
  return whole_ms(devices, wanted.repeats, [&] {
    replicas.forward(step);
    replicas.backward(step);
  });
}

void run(const Wanted& wanted) {
  const auto model = is_zoo_name(wanted.model)
                         ? Model::of(make_model(wanted.model), random_weights(1))
                         : Model::open(wanted.model, "");
  StepContext step;
  step.seed = 1;
  step.global_batch = wanted.batch;
  step.rate = 1e-6f;
  measure_ops(wanted, model->spec(), step);
  const double ms = measure_whole(wanted, *model, step);
  print(nlohmann::json{{"op", "whole"}, {"forward", {{"ms", ms}}}});
}

}  // namespace
}  // namespace alx

int main(int argc, char** argv) try {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() < 5 || (words[4] != "infer" && words[4] != "train")) {
    std::cerr << "usage: gpu_time DEVICE MODEL BATCH PRECISION infer|train [REPEATS]\n";
    return 2;
  }
  alx::Wanted wanted{words[0], words[1], 0, alx::precision_named(words[3]), words[4] == "train",
                     20};
  wanted.batch = alx::parse_number<int64_t>(words[2]).value_or(0);
  if (words.size() > 5) wanted.repeats = alx::parse_number<int>(words[5]).value_or(0);
  alx::check(wanted.batch > 0 && wanted.repeats > 0, alx::Code::invalid_argument,
             "BATCH and REPEATS must be whole numbers above 0");
  alx::run(wanted);
  return 0;
} catch (const std::exception& error) {
  std::cerr << "gpu_time: " << error.what() << '\n';
  return 1;
}
