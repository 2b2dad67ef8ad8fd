#include "backends/cudnn/kernel.h"

namespace alx::cudnn {
namespace {

cudaDataType_t blas_type(DataType type) {
  return type == DataType::f16 ? CUDA_R_16F : type == DataType::bf16 ? CUDA_R_16BF : CUDA_R_32F;
}

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
        y_(*device_, out_shape(), type_),
        bias_(*device_, {1, op.out}, type_) {
    spec_.implementation = "cublas";
    Scratch forward, backward;
    weight_ = forward.add(param_bytes(0));
    backward.add(param_bytes(0));  // at the same place
    bias_grad_ = backward.add(param_bytes(1));
    spec_.forward_workspace = forward.bytes();
    if (!training_) return;
    spec_.backward_workspace = backward.bytes();
    spec_.backward_reads_inputs = true;
    spec_.backward_reads_outputs = op.activation != Activation::none;
  }

  void run_forward(const StepContext&) override {
    const void* weight = param(0, forward_scratch(weight_));
    gemm(CUBLAS_OP_T, CUBLAS_OP_N, out_, images_, in_, weight, in_, memory_.inputs[0], in_, memory_.outputs[0], type_);
    device_->launch(BiasActivation{memory_.outputs[0], memory_.params[1], type_, spec_.params[1].type, op_.activation,
                                   static_cast<size_t>(op_.out), 1, count()});
  }

  void run_backward(const StepContext&) override {
    void* const dy = memory_.output_grads[0];
    if (op_.activation != Activation::none) activation_backward(*device_, activation_, y_, memory_.outputs[0], dy);
    void* const bias_grad = grad_target(1, backward_scratch(bias_grad_));
    device_->call<&Api::cudnnConvolutionBackwardBias>(device_->cudnn(), &one, static_cast<cudnnTensorDescriptor_t>(y_),
                                                      static_cast<const void*>(dy), &zero,
                                                      static_cast<cudnnTensorDescriptor_t>(bias_), bias_grad);
    finish_grad(1, bias_grad);
    gemm(CUBLAS_OP_N, CUBLAS_OP_T, in_, out_, images_, memory_.inputs[0], in_, dy, out_, memory_.param_grads[0],
         DataType::f32);
    if (!wants_grad()) return;
    const void* weight = param(0, backward_scratch(weight_));
    gemm(CUBLAS_OP_N, CUBLAS_OP_N, in_, images_, out_, weight, in_, dy, out_, memory_.input_grads[0], type_);
  }

 private:
  void gemm(cublasOperation_t op_a, cublasOperation_t op_b, int m, int n, int k, const void* a, int lda, const void* b,
            int ldb, void* c, DataType c_type) const {
    device_->call<&Api::cublasGemmEx>(device_->cublas(), op_a, op_b, m, n, k, &one, a, blas_type(type_), lda, b,
                                      blas_type(type_), ldb, &zero, c, blas_type(c_type), m, compute_,
                                      CUBLAS_GEMM_DEFAULT);
  }

  Linear op_;
  cublasComputeType_t compute_;
  int images_, in_, out_;
  ActivationDescriptor activation_;
  TensorDescriptor y_, bias_;
  size_t weight_ = 0, bias_grad_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make(const Linear& op, const Context& context) {
  return std::make_unique<LinearKernel>(op, context);
}

}  // namespace alx::cudnn
