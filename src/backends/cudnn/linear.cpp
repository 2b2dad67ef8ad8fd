#include "backends/cudnn/kernel.h"

namespace alx::cudnn {
namespace {

// cuBLAS counts columns first, so that our rows of (N, in), (out, in) and (N, out) are its columns.
class LinearKernel : public DeviceKernel {
 public:
  LinearKernel(const Linear& op, const Context& context)
      : DeviceKernel(op, context, context.type()),
        op_(op),
        compute_(context.tf32() ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F),
        images_(static_cast<int>(out_shape()[0])),
        in_(static_cast<int>(spec_.params[0].shape[1])),
        out_(static_cast<int>(op.out)),
        activation_(*device_, op.activation),
        y_(*device_, out_shape(), type_) {
    spec_.implementation = "cublas";
    if (!training_) return;
    spec_.state = converted_bytes();
    device_->ones(type_, static_cast<size_t>(images_));
    spec_.backward_reads_inputs = true;
    spec_.backward_reads_outputs = op.activation != Activation::none;
  }

  void run_forward() override {
    const void* weight = convert_weight();
    gemm(CUBLAS_OP_T, CUBLAS_OP_N, out_, images_, in_, weight, in_, memory_.inputs[0], in_,
         memory_.outputs[0], type_);
    device_->launch(BiasActivation{memory_.outputs[0], memory_.params[1], type_,
                                   spec_.params[1].type, op_.activation,
                                   static_cast<size_t>(op_.out), 1, count()});
  }

  void run_backward() override {
    void* const dy = memory_.output_grads[0];
    if (op_.activation != Activation::none)
      activation_backward(*device_, activation_, y_, memory_.outputs[0], dy, dy);
    sum_channels(*device_, type_, dy, out_shape(), nullptr, memory_.param_grads[1]);
    gemm(CUBLAS_OP_N, CUBLAS_OP_T, in_, out_, images_, memory_.inputs[0], in_, dy, out_,
         memory_.param_grads[0], DataType::f32);
    if (!wants_grad()) return;
    gemm(CUBLAS_OP_N, CUBLAS_OP_N, in_, images_, out_, weight(), in_, dy, out_,
         memory_.input_grads[0], type_);
  }

 private:
  void gemm(cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k, const void* a,
            int lda, const void* b, int ldb, void* c, DataType c_type) const {
    multiply(*device_, {op_a, op_b, m, n, k}, {a, type_, lda}, {b, type_, ldb}, {c, c_type, m},
             compute_);
  }

  Linear op_;
  cublasComputeType_t compute_;
  int images_, in_, out_;
  ActivationDescriptor activation_;
  TensorDescriptor y_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Linear& op, const Context& context) {
  return std::make_unique<LinearKernel>(op, context);
}

}  // namespace alx::cudnn
