// Layers that any images of a batch go through by themselves, channels last. Several in a row make
// one kernel: a few images go through all of them on one thread, and what lies between stays in
// that thread's cache.
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "backends/onednn/kernels.h"

namespace alx::onednn {

// The whole batch in training. Null where there is nothing.
struct Gradients {
  const float *in, *out;
  float *in_grad, *out_grad;
  uint8_t* state;
};

// Some images' tensors, one after the other; state null where nothing is saved.
struct Images {
  const void* in;
  void* out;
  uint8_t* state;
  int64_t count;
  const float* x() const { return static_cast<const float*>(in); }
  float* y() const { return static_cast<float*>(out); }
};

class Stage {
 public:
  virtual ~Stage() = default;

  // What it is, in the KernelSpec's words. input.layout null: the caller's are dense.
  TensorDesc input, output;
  std::vector<TensorDesc> params;
  std::string implementation;
  int64_t scratch = 0;                                   // floats that forward() works in
  size_t state_bytes = 0;                                // of one image
  size_t forward_workspace = 0, backward_workspace = 0;  // bytes that all parts share
  bool in_place = false, grad_in_place = false;
  bool backward_reads_inputs = false, backward_reads_outputs = false;

  int64_t images() const { return input.shape[0]; }
  int64_t in_elements() const { return of_image(input.shape); }
  int64_t out_elements() const { return of_image(output.shape); }
  size_t in_bytes() const { return static_cast<size_t>(in_elements()) * size_of(input.type); }
  size_t out_bytes() const { return static_cast<size_t>(out_elements()) * size_of(output.type); }

  // Its own params and gradients, and the workspaces.
  virtual void bind(const Binding& binding) { (void)binding; }
  // Before the images of a pass.
  virtual void begin_forward() {}
  // On this thread.
  virtual void forward(const Images& images, float* scratch) const = 0;
  // The same for few images, by parts of an image.
  virtual void forward_in_parts(const Images& images) const = 0;
  virtual void backward(const Gradients& g) { (void)g; }

 private:
  static int64_t of_image(const Shape& shape) {
    int64_t elements = 1;
    for (size_t i = 1; i < shape.size(); ++i) elements *= shape[i];
    return elements;
  }
};

// What a stage is made from.
struct StageRequest {
  const Runtime& runtime;
  const std::string& name;  // the node's, for messages
  TensorDesc input;         // as its producer lays it out
  bool training, wants_grad;
  NodeTypes types = {};
};

// Null where the op is none that has a stage, or not in this form.
std::unique_ptr<Stage> make_stage(const Op& op, const StageRequest& request);
// Of f32, by code of ours:
std::unique_ptr<Stage> make_stage_of(const Conv& op, const StageRequest& request);
std::unique_ptr<Stage> make_stage_of(const MaxPool& op, const StageRequest& request);
std::unique_ptr<Stage> make_stage_of(const AvgPool& op, const StageRequest& request);
std::unique_ptr<Stage> make_stage_of(const AdaptiveAvgPool& op, const StageRequest& request);
std::unique_ptr<Stage> make_stage_of(const Lrn& op, const StageRequest& request);
std::unique_ptr<Stage> make_stage_of(const Relu& op, const StageRequest& request);
std::unique_ptr<Stage> make_stage_of(const Tanh& op, const StageRequest& request);
// By kernel rows, where tiles do not fit.
std::unique_ptr<Stage> make_direct_stage(const Conv& op, const StageRequest& request);
// Of any type, by oneDNN.
std::unique_ptr<Stage> make_dnnl_stage(const Conv& op, const StageRequest& request);
// `stage`, of f32, between tensors of 16 bits.
std::unique_ptr<Stage> in_half(std::unique_ptr<Stage> stage, const StageRequest& request);

// One kernel of these stages; in training of one alone.
std::unique_ptr<Kernel> kernel_of(std::vector<std::unique_ptr<Stage>> stages,
                                  std::shared_ptr<const Runtime> runtime,
                                  const CompileRequest& request);
// The op's stage as a kernel, or null.
std::unique_ptr<Kernel> stage_kernel(const Op& op, const Context& context);

}  // namespace alx::onednn
