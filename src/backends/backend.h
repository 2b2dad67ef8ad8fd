// What a backend is: it turns ops into compiled kernels, owns memory, moves tensors, and applies an
// update rule. What stands above works with devices through this interface alone and gets them by
// name from registry.h; of the names it knows only "cpu", the default, and "reference", which
// others are held against. What stands below sees an op, or a run of ops, with its layer's name and
// part, and the step; never a whole network, and never how a rate comes about.
#pragma once
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/step.h"
#include "graph/ops.h"
#include "graph/precision.h"
#include "graph/tensor.h"
#include "graph/update.h"

namespace alx {

enum class Phase { inference, training };

// Memory of one backend. Freed with the last reference.
class Buffer {
 public:
  virtual ~Buffer() = default;
  void* data() const { return data_; }  // an address of the device; on CPUs readable by the host
  size_t bytes() const { return bytes_; }

 protected:
  Buffer(void* data, size_t bytes) : data_(data), bytes_(bytes) {}
  void* data_;
  size_t bytes_;
};

// What a kernel wants and gives, known after compiling and before memory exists.
struct KernelSpec {
  std::vector<TensorDesc> inputs, outputs;  // layouts read and written by forward
  // Layouts written and read by backward; training only. An input_grads entry of empty shape: none
  // (labels, or not needed).
  std::vector<TensorDesc> input_grads, output_grads;
  // packed form of each parameter; its gradient has the same
  std::vector<TensorDesc> params;
  size_t forward_workspace = 0, backward_workspace = 0;  // scratch, only inside one call
  // bytes that forward saves for backward (mask, argmax, ...)
  size_t state = 0;
  // outputs are input 0's own memory in the same layout: nothing to run forward
  bool alias = false;
  bool in_place = false;       // output 0 may take input 0's memory (their bytes are equal)
  bool grad_in_place = false;  // input_grads[0] may take output_grads[0]'s memory
  bool backward_reads_inputs = false, backward_reads_outputs = false;
  // what it reads must stay as it is until the pass ends: other devices copy it meanwhile
  bool reads_late = false;
  // For people: "brgconv:avx512_core". Backward empty: as forward.
  std::string implementation, backward_implementation;
  const std::string& backward_text() const {
    return backward_implementation.empty() ? implementation : backward_implementation;
  }
};

// Addresses, in the order of KernelSpec. Null where there is nothing.
struct Binding {
  std::vector<void*> inputs, outputs, input_grads, output_grads, params, param_grads;
  void *forward_workspace = nullptr, *backward_workspace = nullptr, *state = nullptr;
};

// One op compiled for one set of shapes. bind() comes once, before the first run; runs do not
// allocate. Kernels overwrite their outputs and gradients, they never accumulate. Backward may
// change output_grads' memory.
class Kernel {
 public:
  virtual ~Kernel() = default;
  const KernelSpec& spec() const { return spec_; }
  virtual void bind(const Binding& binding) = 0;
  virtual void forward() = 0;
  virtual void backward() = 0;

 protected:
  KernelSpec spec_;
};

struct CompileRequest {
  std::string name;  // the node's, for messages
  LayerPart layer;   // that the node is, or is a part of: the key of its random draws
  // as their producers lay them out; the kernel may ask for others in its spec
  std::vector<TensorDesc> inputs;
  std::vector<bool> input_grads;  // which inputs need a gradient; empty: none
  Phase phase = Phase::inference;
  NodeTypes types = {};
  const StepContext* step = nullptr;  // where the kernel reads it while it runs: Backend::step()
};

// One of several nodes that a backend may compile as one kernel.
struct RunNode {
  std::string name;
  LayerPart layer;
  Op op;
  NodeTypes types;
};

struct CompiledRun {
  std::unique_ptr<Kernel> kernel;
  size_t nodes;  // that it stands for
};

// One step of a rule over a parameter in its packed form. Elements are independent, padding stays
// zero.
struct Update {
  UpdateRule rule;
  void* weight;
  std::array<float*, most_states> state;  // as the rule names them
  const void* grad;
  size_t count;       // of f32 elements, padding included
  float rate_factor;  // of the step's rate
};

// Work that was queued once and can be queued again at little cost: with the same addresses, for
// another step. Dies before its backend.
class Recording {
 public:
  virtual ~Recording() = default;
  virtual void replay() = 0;
};

// Sums tensors over several backends. Sums may run beside the kernels that are queued after their
// start().
class Collective {
 public:
  virtual ~Collective() = default;
  // tensors[i], on member i, becomes the sum of all, the same bits everywhere. Of f32.
  virtual void start(const std::vector<void*>& tensors, const TensorDesc& desc) = 0;
  virtual void finish() = 0;  // kernels queued from now on see every sum that was started
};

// What the device does at most, measured.
struct Peak {
  double operations, bytes;  // a second: of f32, a multiply-add being two; read from memory
};

class Backend {
 public:
  virtual ~Backend() = default;
  // "reference", "onednn", "cudnn:0"
  virtual std::string name() const = 0;
  // as people call the device: "cpu"
  virtual std::string title() const { return name(); }
  virtual std::vector<Precision> precisions(Phase phase) const = 0;  // that it takes
  // of every tensor, in bytes
  virtual size_t alignment() const { return 64; }
  // in bytes, where the device knows
  virtual std::optional<size_t> free_memory() const { return std::nullopt; }

  virtual std::unique_ptr<Kernel> compile(const Op& op, const CompileRequest& request) = 0;

  // Nodes of one output each; all but the first have one input, which is the node before, and
  // nobody else asks for that one's value. One kernel of the first, or of as many from it on as the
  // backend makes one of: inputs and input_grads are the first node's, outputs and output_grads the
  // last one's, params those of all, in order; values inside are that kernel's own. `request`: the
  // first node's.
  virtual CompiledRun compile_run(std::span<const RunNode> nodes, const CompileRequest& request) {
    return {compile(nodes[0].op, request), 1};
  }

  // A kernel that turns `from` into `to` (same shape; layout or type differ). Forward only.
  virtual std::unique_ptr<Kernel> compile_reorder(const TensorDesc& from, const TensorDesc& to) = 0;

  // What all kernels together work in besides their own workspaces, as far as they are compiled: in
  // bytes. reserve_scratch() takes it, so that no pass does.
  virtual size_t scratch_bytes() const { return 0; }
  virtual void reserve_scratch() {}

  // aligned for any kernel; zero-filled
  virtual std::shared_ptr<Buffer> allocate(size_t bytes) = 0;

  // Between host memory, dense f32 NCHW (i32 for labels), and a tensor of this backend. They return
  // when done.
  virtual void upload(const void* host, const TensorDesc& desc, void* device) = 0;
  virtual void download(const void* device, const TensorDesc& desc, void* host) = 0;
  // As upload(), of f32 that must be finite: returns the place of the first that is not, or their
  // count. Where one is not, what the tensor then holds is undefined.
  virtual size_t upload_finite(std::span<const float> host, const TensorDesc& desc, void* device);

  // A weight comes in parts of whole rows (its first dimension), so that a large one never stands
  // in memory twice. rows_per_upload: rows of one part that this layout can take; every row at once
  // unless a backend knows better.
  virtual int64_t rows_per_upload(const TensorDesc& desc) const { return desc.shape[0]; }
  virtual void upload_rows(std::span<const float> rows, int64_t first_row, const TensorDesc& desc,
                           void* device) = 0;

  // Dense bytes from another backend's memory, after the work queued there.
  virtual void copy_from(Backend& source, const void* from, void* to, size_t bytes) = 0;

  // Before the first kernel of each pass, forward or backward: what other devices copied in the
  // last may change again.
  virtual void begin_pass(const StepContext& step) { step_ = step; }
  // The step of the latest begin_pass(), at an address of the device: the only way in which it
  // comes to kernels and updates, so that recorded ones run for another step too.
  virtual const StepContext* step() const { return &step_; }
  // The gradient is divided by the step's loss scale.
  virtual void update(const Update& update) = 0;
  // Null where the backend gains nothing by it. `work` runs kernels of this backend alone.
  virtual std::unique_ptr<Recording> record(const std::function<void()>& work) {
    return (void)work, nullptr;
  }
  virtual void synchronize() = 0;
  // Takes a moment. Empty where nobody has written down how.
  virtual std::optional<Peak> measure_peak() { return std::nullopt; }

  // `members` are backends of this kind, this one the first. Null where the backend has nothing
  // better than the host.
  virtual std::unique_ptr<Collective> make_collective(const std::vector<Backend*>& members) {
    return (void)members, nullptr;
  }
  // Whether all of these f32 elements are finite numbers; {first element, count} each.
  virtual bool all_finite(const std::vector<std::pair<const void*, size_t>>& values) = 0;

 private:
  StepContext step_;
};

}  // namespace alx
