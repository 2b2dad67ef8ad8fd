#include "op_runner.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>

#include "backends/registry.h"
#include "core/error.h"
#include "core/median.h"
#include "core/random.h"
#include "gpus.h"
#include "plan/types.h"

namespace alx::test {
namespace {

constexpr size_t guard_bytes = 64;

// A block of device memory between two patterns.
class Memory {
 public:
  Memory(Backend& backend, size_t bytes)
      : backend_(backend),
        bytes_((bytes + 3) / 4 * 4),
        buffer_(backend.allocate(bytes_ + guard_bytes)) {
    fill(0, bytes_ + guard_bytes);
  }
  void* data() const { return buffer_->data(); }
  void spoil() { fill(0, bytes_); }  // every float and every double in it is not-a-number
  bool overrun() const {
    std::vector<char> end(guard_bytes);
    backend_.download(static_cast<char*>(data()) + bytes_, desc(guard_bytes), end.data());
    return std::any_of(end.begin(), end.end(), [](char c) { return c != static_cast<char>(0xff); });
  }

 private:
  static TensorDesc desc(size_t bytes) {
    return {{static_cast<int64_t>(bytes / 4)}, DataType::f32, nullptr};
  }
  void fill(size_t start, size_t bytes) {
    const std::vector<unsigned char> pattern(bytes, 0xff);
    if (bytes > 0) backend_.upload(pattern.data(), desc(bytes), static_cast<char*>(data()) + start);
  }

  Backend& backend_;
  size_t bytes_;
  std::shared_ptr<Buffer> buffer_;
};

using Block = std::shared_ptr<Memory>;

class Runner {
 public:
  Runner(Backend& backend, const Op& op, const std::vector<Shape>& shapes, const OpRun& run)
      : backend_(backend), run_(run), training_(run.phase == Phase::training) {
    CompileRequest request{run.name,  run.part.layer.empty() ? LayerPart{run.name} : run.part,
                           {},        run.input_grads,
                           run.phase, types_of(op, run.precision, run.phase)};
    for (size_t i = 0; i < shapes.size(); ++i) {
      const bool labels = std::holds_alternative<SoftmaxLoss>(op) && i == 1;
      request.inputs.push_back({shapes[i], labels ? DataType::i32 : DataType::f32, nullptr});
      if (training_ && run.input_grads.empty()) request.input_grads.push_back(!labels);
    }
    given_ = request.inputs;
    request.step = backend.step();
    kernel_ = backend.compile(op, request);
  }

  OpResult run(const OpData& data) {
    prepare(data);
    backend_.begin_pass(run_.step);
    if (!spec().alias) kernel_->forward();
    OpResult result;
    for (size_t i = 0; i < outputs_.size(); ++i)
      result.outputs.push_back(download(outputs_[i], spec().outputs[i]));
    if (training_) backward(result);
    for (const Block& block : blocks_)
      EXPECT_FALSE(block->overrun()) << "a kernel wrote beyond its memory";
    EXPECT_EQ(gpu_violations(), std::vector<std::string>());
    return result;
  }

  OpTimes time(const OpData& data, double seconds) {
    prepare(data);
    OpTimes times{spec(), 0, 0};
    if (!spec().alias)
      times.forward = median_seconds(seconds, [&] { return timed([&] { kernel_->forward(); }); });
    if (!training_) return times;
    times.backward = median_seconds(seconds, [&] {
      for (size_t i = 0; i < output_grads_.size(); ++i)  // backward may have changed them
        if (output_grads_[i])
          backend_.upload(data.output_grads[i].data(), spec().output_grads[i],
                          output_grads_[i]->data());
      return timed([&] { kernel_->backward(); });
    });
    return times;
  }

 private:
  const KernelSpec& spec() const { return kernel_->spec(); }

  void prepare(const OpData& data) {
    for (size_t i = 0; i < given_.size(); ++i)
      inputs_.push_back(upload(data.inputs.at(i), given_[i], spec().inputs.at(i)));
    for (size_t i = 0; i < spec().params.size(); ++i)
      params_.push_back(pack(data.params.at(i), spec().params[i]));
    place_outputs();
    if (training_) place_gradients(data);
    for (size_t bytes : {spec().forward_workspace, spec().backward_workspace, spec().state})
      scratch_.push_back(bytes > 0 ? make(bytes) : nullptr);
    bind();
  }

  template <class Pass>
  double timed(Pass pass) {
    backend_.begin_pass(run_.step);
    const auto begin = std::chrono::steady_clock::now();
    pass();
    backend_.synchronize();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

  Block make(size_t bytes) {
    blocks_.push_back(std::make_shared<Memory>(backend_, bytes));
    return blocks_.back();
  }

  Block pack(const Values& values, const TensorDesc& desc) {
    EXPECT_EQ(static_cast<int64_t>(values.size()), element_count(desc.shape));
    Block block = make(desc.bytes());
    const std::vector<int32_t> labels(values.begin(), values.end());
    backend_.upload(
        desc.type == DataType::i32 ? static_cast<const void*>(labels.data()) : values.data(), desc,
        block->data());
    return block;
  }

  Block upload(const Values& values, const TensorDesc& dense, const TensorDesc& wanted) {
    EXPECT_EQ(dense.shape, wanted.shape);
    Block block = pack(values, dense);
    return dense.same_memory(wanted) ? block : reorder(block, dense, wanted);
  }

  Block reorder(const Block& from, const TensorDesc& from_desc, const TensorDesc& to_desc) {
    auto kernel = backend_.compile_reorder(from_desc, to_desc);
    Block to = make(to_desc.bytes());
    const size_t bytes = kernel->spec().forward_workspace;
    Binding binding;
    binding.inputs = {from->data()};
    binding.outputs = {to->data()};
    if (bytes > 0) binding.forward_workspace = make(bytes)->data();
    kernel->bind(binding);
    kernel->forward();
    backend_.synchronize();
    return to;
  }

  Values unpack(const Block& block, const TensorDesc& desc) {
    backend_.synchronize();
    Values values(static_cast<size_t>(element_count(desc.shape)));
    backend_.download(block->data(), desc, values.data());
    return values;
  }

  // Both ways back to dense: by a reorder, as a plan does, and by the backend's own download.
  Values download(const Block& block, const TensorDesc& desc) {
    const TensorDesc dense{desc.shape, DataType::f32, nullptr};
    Values values = unpack(block, desc);
    if (!desc.same_memory(dense)) {
      const Values reordered = unpack(reorder(block, desc, dense), dense);
      EXPECT_EQ(std::memcmp(values.data(), reordered.data(), values.size() * sizeof(float)), 0)
          << "download and reorder differ";
    }
    return values;
  }

  void place_outputs() {
    const bool in_place =
        run_.share && spec().in_place && !(training_ && spec().backward_reads_inputs);
    for (size_t i = 0; i < spec().outputs.size(); ++i) {
      const bool shared = spec().alias || (in_place && i == 0);
      EXPECT_TRUE(!shared || spec().outputs[i].bytes() == spec().inputs[0].bytes());
      outputs_.push_back(shared ? inputs_[0] : make(spec().outputs[i].bytes()));
    }
  }

  void place_gradients(const OpData& data) {
    EXPECT_EQ(spec().output_grads.size(), spec().outputs.size());
    EXPECT_EQ(spec().input_grads.size(), spec().inputs.size());
    for (size_t i = 0; i < spec().output_grads.size(); ++i) {
      const TensorDesc& desc = spec().output_grads[i];
      const TensorDesc dense{desc.shape, DataType::f32, nullptr};
      output_grads_.push_back(desc.shape.empty() ? nullptr
                                                 : upload(data.output_grads.at(i), dense, desc));
    }
    for (size_t i = 0; i < spec().input_grads.size(); ++i) {
      const TensorDesc& desc = spec().input_grads[i];
      const bool shared =
          run_.share && spec().grad_in_place && i == 0 && output_grads_[0] && !desc.shape.empty();
      EXPECT_TRUE(!shared || desc.bytes() == spec().output_grads[0].bytes());
      if (desc.shape.empty())
        input_grads_.push_back(nullptr);
      else
        input_grads_.push_back(shared ? output_grads_[0] : make(desc.bytes()));
    }
    for (const TensorDesc& desc : spec().params) param_grads_.push_back(make(desc.bytes()));
  }

  void bind() {
    const auto addresses = [](const std::vector<Block>& blocks) {
      std::vector<void*> result;
      for (const Block& block : blocks) result.push_back(block ? block->data() : nullptr);
      return result;
    };
    const std::vector<void*> scratch = addresses(scratch_);
    kernel_->bind({addresses(inputs_), addresses(outputs_), addresses(input_grads_),
                   addresses(output_grads_), addresses(params_), addresses(param_grads_),
                   scratch[0], scratch[1], scratch[2]});
  }

  void backward(OpResult& result) {
    for (const Block& block : {scratch_[0], scratch_[1]})
      if (block) block->spoil();
    // an output in its input's place: either need keeps it
    const auto shared = [&](const Block& block) {
      const auto is = [&](const Block& other) { return other == block; };
      return std::any_of(inputs_.begin(), inputs_.end(), is) &&
             std::any_of(outputs_.begin(), outputs_.end(), is);
    };
    const bool either = spec().backward_reads_inputs || spec().backward_reads_outputs;
    for (const Block& block : inputs_)
      if (!(shared(block) ? either : spec().backward_reads_inputs)) block->spoil();
    for (const Block& block : outputs_)
      if (!(shared(block) ? either : spec().backward_reads_outputs)) block->spoil();
    kernel_->backward();
    for (size_t i = 0; i < input_grads_.size(); ++i)
      result.input_grads.push_back(
          input_grads_[i] ? download(input_grads_[i], spec().input_grads[i]) : Values{});
    for (size_t i = 0; i < param_grads_.size(); ++i)
      result.param_grads.push_back(unpack(param_grads_[i], spec().params[i]));
  }

  Backend& backend_;
  OpRun run_;
  bool training_;
  std::vector<TensorDesc> given_;
  std::unique_ptr<Kernel> kernel_;
  std::vector<Block> blocks_, inputs_, outputs_, input_grads_, output_grads_, params_, param_grads_,
      scratch_;
};

}  // namespace

const std::vector<std::shared_ptr<Backend>>& backends() {
  static const auto list = [] {
    use_test_gpus();
    std::vector<std::shared_ptr<Backend>> found{open_device("reference")};
    for (const DeviceInfo& device : list_devices()) {
      if (!device.usable || device.name == "cuda:1") continue;  // one GPU is as good as the other
      auto backend = open_device(device.name);
      const auto same = [&](const auto& other) { return other->name() == backend->name(); };
      if (std::none_of(found.begin(), found.end(), same)) found.push_back(std::move(backend));
    }
    return found;
  }();
  return list;
}

std::shared_ptr<Backend> backend_named(const std::string& name) {
  for (const auto& backend : backends())
    if (backend->name() == name) return backend;
  return nullptr;
}

OpResult run_op(Backend& backend, const Op& op, const std::vector<Shape>& inputs,
                const OpData& data, const OpRun& run) {
  return Runner(backend, op, inputs, run).run(data);
}

OpTimes time_op(Backend& backend, const Op& op, const std::vector<Shape>& inputs,
                const OpData& data, const OpRun& run, double seconds) {
  return Runner(backend, op, inputs, run).time(data, seconds);
}

std::string refusal_of(Backend& backend, const Op& op, const std::vector<Shape>& inputs,
                       const OpRun& run) {
  try {
    Runner(backend, op, inputs, run);
    return "";
  } catch (const Error& error) {
    if (error.code() != Code::unsupported) throw;
    EXPECT_NE(std::string(error.what()).find(name_of(op)), std::string::npos) << error.what();
    return error.what();
  }
}

Values random_values(int64_t count, uint64_t stream, float scale) {
  const Random random(1, stream, 0);
  Values values(static_cast<size_t>(count));
  for (size_t i = 0; i < values.size(); ++i) values[i] = scale * (2 * random.uniform(i) - 1);
  return values;
}

double dot(const Values& a, const Values& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += static_cast<double>(a[i]) * b.at(i);
  return sum;
}

double norm(const Values& a) { return std::sqrt(dot(a, a)); }

double max_error(const Values& got, const Values& want) {
  if (got.size() != want.size()) return std::numeric_limits<double>::infinity();
  double error = 0, largest = 0;
  for (size_t i = 0; i < want.size(); ++i) {
    const double difference = std::abs(static_cast<double>(got[i]) - want[i]);
    if (!(difference <= std::numeric_limits<float>::max()))
      return std::numeric_limits<double>::infinity();
    error = std::max(error, difference);
    largest = std::max(largest, std::abs(static_cast<double>(want[i])));
  }
  return largest > 0 ? error / largest : error;
}

double relative_error(const Values& got, const Values& want) {
  if (got.size() != want.size()) return std::numeric_limits<double>::infinity();
  double error = 0;
  for (size_t i = 0; i < want.size(); ++i)
    error += std::pow(static_cast<double>(got[i]) - want[i], 2);
  if (!std::isfinite(error)) return std::numeric_limits<double>::infinity();
  const double size = norm(want);
  return size > 0 ? std::sqrt(error) / size : std::sqrt(error);
}

}  // namespace alx::test
