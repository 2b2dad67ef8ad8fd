// What the kernels of this backend share. make() is overloaded for every op: an op without one does
// not compile.
#pragma once
#include <memory>

#include "backends/backend.h"
#include "backends/cudnn/device.h"

namespace alx::cudnn {

constexpr size_t memory_alignment = 256;
constexpr int ampere = 8;  // the major compute capability that brought tf32 and bf16

// What every make() gets.
struct Context {
  std::shared_ptr<Device> device;
  const CompileRequest& request;
  bool training() const { return request.phase == Phase::training; }
  // Whether products of f32 may round to it: where it was asked for and the GPU has it (from Ampere
  // on); else in f32.
  bool tf32() const { return request.types.tf32 && device->properties().major >= ampere; }
  // Of what flows between kernels. Training keeps parameters and their gradients in f32 whatever
  // this is.
  DataType type() const { return request.types.activations; }
};

#define ALX_MAKE(Name) std::unique_ptr<Kernel> make(const Name& op, const Context& context);
ALX_OPS(ALX_MAKE)
#undef ALX_MAKE
// An op whose output is its input's own memory, in its shape or another.
std::unique_ptr<Kernel> make_alias(const Op& op, const Context& context);
std::unique_ptr<Kernel> make_reorder(const std::shared_ptr<Device>& device, const TensorDesc& from,
                                     const TensorDesc& to);

// Scratch memory in parts: add() while compiling, at() while running.
class Scratch {
 public:
  size_t add(size_t bytes) {
    const size_t start = bytes_;
    bytes_ += (bytes + memory_alignment - 1) / memory_alignment * memory_alignment;
    return start;
  }
  size_t bytes() const { return bytes_; }

 private:
  size_t bytes_ = 0;
};

// Dense tensors of one type. Runs with its device as the current one.
class DeviceKernel : public Kernel {
 public:
  DeviceKernel(const Op& op, const Context& context, DataType type);
  void bind(const Binding& binding) override { memory_ = binding; }
  void forward() final {
    device_->use();
    run_forward();
  }
  void backward() final {
    device_->use();
    run_backward();
  }

 protected:
  // What they need of the step they find at step_: they may be recorded, and replayed for
  // another one.
  virtual void run_forward() = 0;
  virtual void run_backward() = 0;

  bool wants_grad(size_t i = 0) const {
    return i < spec_.input_grads.size() && !spec_.input_grads[i].shape.empty();
  }
  const Shape& in_shape(size_t i = 0) const { return spec_.inputs[i].shape; }
  const Shape& out_shape() const { return spec_.outputs[0].shape; }
  size_t count() const { return static_cast<size_t>(element_count(out_shape())); }
  void* forward_scratch(size_t offset) const {
    return static_cast<char*>(memory_.forward_workspace) + offset;
  }
  void* backward_scratch(size_t offset) const {
    return static_cast<char*>(memory_.backward_workspace) + offset;
  }
  // The weight as the kernel's own type: itself, or what forward has converted into the kernel's
  // state for both passes.
  const void* convert_weight() const;
  const void* weight() const { return converts_params() ? memory_.state : memory_.params[0]; }
  bool converts_params() const { return !spec_.params.empty() && spec_.params[0].type != type_; }
  // of the weight in the kernel's own type, where that is not how it is kept
  size_t converted_bytes() const {
    return converts_params()
               ? static_cast<size_t>(element_count(spec_.params[0].shape)) * size_of(type_)
               : 0;
  }

  // Planes of (N, C, H, W) into larger ones that start (top, left) before them, the rest `fill`;
  // and back.
  void pad(const void* from, const Shape& from_shape, void* to, const Shape& to_shape,
           const Pad& pad, float fill) const;
  void crop(const void* from, const Shape& from_shape, void* to, const Shape& to_shape,
            const Pad& pad) const;

  std::shared_ptr<Device> device_;
  DataType type_;
  bool training_;
  const StepContext* step_;
  Binding memory_;
};

// ---- cuDNN's descriptors -----------------------------------------------------------------------

cudnnDataType_t type_of(DataType type);

// An activation: alone, or fused into the op before it.
struct ActivationDescriptor
    : Handle<cudnnActivationDescriptor_t, &Api::cudnnCreateActivationDescriptor,
             &Api::cudnnDestroyActivationDescriptor> {
  ActivationDescriptor(const Device& device, Activation activation);
};

struct TensorDescriptor : Handle<cudnnTensorDescriptor_t, &Api::cudnnCreateTensorDescriptor,
                                 &Api::cudnnDestroyTensorDescriptor> {
  // (N, C) is (N, C, 1, 1)
  TensorDescriptor(const Device& device, const Shape& shape, DataType type);
};

constexpr float one = 1, zero = 0;  // cuDNN's and cuBLAS's alpha and beta, by address

// dx becomes the gradient before the activation; it may be dy.
void activation_backward(Device& device, cudnnActivationDescriptor_t activation,
                         cudnnTensorDescriptor_t desc, const void* y, const void* dy, void* dx);

// ---- Products of matrices by cuBLAS, and what is made of them ----------------------------------

// Column-major, as cuBLAS counts: c (m x n) = op_a(a) op_b(b), of depth k. Sums are in f32.
struct MatrixShape {
  cublasOperation_t op_a, op_b;
  int m, n, k;
};
struct Matrix {
  const void* elements;
  DataType type;
  int leading;  // elements from one column to the next
};
void multiply(Device& device, const MatrixShape& shape, const Matrix& a, const Matrix& b,
              const Matrix& c, cublasComputeType_t compute = CUBLAS_COMPUTE_32F);

// The sum over images and positions for each channel of (N, C, H, W) or (N, C), in f32: a bias's
// gradient. cuDNN's own has no bf16, and sums fp16 in fp16. `scratch`: channel_sum_bytes(), 0 for
// (N, C). The device's ones() must be there.
void sum_channels(Device& device, DataType type, const void* values, const Shape& shape,
                  void* scratch, void* sums);
size_t channel_sum_bytes(const Shape& shape);

}  // namespace alx::cudnn
