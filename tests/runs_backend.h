// The plain loops as a backend that takes whole runs of nodes as one kernel, whose inner values
// nobody else can see.
#pragma once
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "backends/reference/reference.h"

namespace alx::test {

class RunKernel : public Kernel {
 public:
  RunKernel(Backend& backend, std::span<const RunNode> nodes, CompileRequest request) {
    const bool training = request.phase == Phase::training;
    for (const RunNode& node : nodes) {
      request.name = node.name;
      request.layer = node.layer;
      request.types = node.types;
      kernels_.push_back(backend.compile(node.op, request));
      const KernelSpec& spec = kernels_.back()->spec();
      spec_.params.insert(spec_.params.end(), spec.params.begin(), spec.params.end());
      request.inputs = spec.outputs;
      request.input_grads = {training};
    }
    const KernelSpec &first = kernels_.front()->spec(), &last = kernels_.back()->spec();
    spec_.inputs = first.inputs;
    spec_.input_grads = first.input_grads;
    spec_.outputs = last.outputs;
    spec_.output_grads = last.output_grads;
    spec_.backward_reads_inputs = spec_.backward_reads_outputs = true;
    spec_.implementation = "run";
    size_t values = 0, grads = 0;
    for (const auto& kernel : kernels_) {
      values += whole(kernel->spec().outputs[0].bytes()) + whole(kernel->spec().state) +
                whole(kernel->spec().forward_workspace);
      grads += whole(kernel->spec().outputs[0].bytes()) + whole(kernel->spec().backward_workspace);
    }
    (training ? spec_.state : spec_.forward_workspace) = values;
    if (training) spec_.backward_workspace = grads;
  }

  void bind(const Binding& outer) override {
    memory_ = outer;
    char* values = static_cast<char*>(outer.state ? outer.state : outer.forward_workspace);
    char* grads = static_cast<char*>(outer.backward_workspace);
    const auto take = [](char*& from, size_t bytes) -> void* {
      void* taken = bytes > 0 ? from : nullptr;
      from += whole(bytes);
      return taken;
    };
    std::vector<void*> value = outer.inputs, grad = outer.input_grads;  // before the next kernel
    size_t param = 0;
    for (size_t i = 0; i < kernels_.size(); ++i) {
      const KernelSpec& spec = kernels_[i]->spec();
      const bool last = i + 1 == kernels_.size();
      Binding inner;
      inner.inputs = value;
      if (!spec.alias) value = {last ? outer.outputs[0] : take(values, spec.outputs[0].bytes())};
      inner.outputs = value;
      inner.input_grads = grad;
      if (!spec.output_grads.empty())
        grad = {last ? outer.output_grads[0] : take(grads, spec.outputs[0].bytes())};
      inner.output_grads = grad;
      for (size_t p = 0; p < spec.params.size(); ++p, ++param) {
        inner.params.push_back(outer.params[param]);
        if (!outer.param_grads.empty()) inner.param_grads.push_back(outer.param_grads[param]);
      }
      inner.state = take(values, spec.state);
      inner.forward_workspace = take(values, spec.forward_workspace);
      inner.backward_workspace = grads ? take(grads, spec.backward_workspace) : nullptr;
      kernels_[i]->bind(inner);
    }
    result_ = value[0];
  }

  void forward() override {
    for (const auto& kernel : kernels_)
      if (!kernel->spec().alias) kernel->forward();
    if (result_ != memory_.outputs[0])
      std::memcpy(memory_.outputs[0], result_, spec_.outputs[0].bytes());
  }
  void backward() override {
    for (size_t i = kernels_.size(); i-- > 0;) kernels_[i]->backward();
  }

 private:
  static size_t whole(size_t bytes) { return (bytes + 63) / 64 * 64; }

  std::vector<std::unique_ptr<Kernel>> kernels_;
  Binding memory_;
  void* result_ = nullptr;
};

class RunsBackend : public Backend {
 public:
  size_t longest = 0;  // run that was compiled

  std::string name() const override { return "runs"; }
  std::vector<Precision> precisions(Phase phase) const override {
    return plain_->precisions(phase);
  }
  std::unique_ptr<Kernel> compile(const Op& op, const CompileRequest& r) override {
    return plain_->compile(op, r);
  }
  CompiledRun compile_run(std::span<const RunNode> nodes, const CompileRequest& request) override {
    if (nodes.size() == 1) return Backend::compile_run(nodes, request);
    longest = std::max(longest, nodes.size());
    return {std::make_unique<RunKernel>(*plain_, nodes, request), nodes.size()};
  }
  std::unique_ptr<Kernel> compile_reorder(const TensorDesc& from, const TensorDesc& to) override {
    return plain_->compile_reorder(from, to);
  }
  std::shared_ptr<Buffer> allocate(size_t bytes) override { return plain_->allocate(bytes); }
  void upload(const void* host, const TensorDesc& desc, void* to) override {
    plain_->upload(host, desc, to);
  }
  void download(const void* from, const TensorDesc& desc, void* host) override {
    plain_->download(from, desc, host);
  }
  void upload_rows(std::span<const float> rows, int64_t first, const TensorDesc& desc,
                   void* to) override {
    plain_->upload_rows(rows, first, desc, to);
  }
  void copy_from(Backend& source, const void* from, void* to, size_t bytes) override {
    plain_->copy_from(source, from, to, bytes);
  }
  void begin_pass(const StepContext& step) override { plain_->begin_pass(step); }
  const StepContext* step() const override { return plain_->step(); }
  void update(const Update& u) override { plain_->update(u); }
  void synchronize() override {}
  bool all_finite(const std::vector<std::pair<const void*, size_t>>& v) override {
    return plain_->all_finite(v);
  }

 private:
  std::shared_ptr<Backend> plain_ = make_reference_backend(nullptr);
};

}  // namespace alx::test
