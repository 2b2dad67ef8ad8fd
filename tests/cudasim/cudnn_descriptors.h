// What the parts of the stand-in for cuDNN share.
#pragma once
#include "cudasim/library.h"

namespace alx::cudasim {

constexpr Statuses<cudnnStatus_t> cudnn_status{CUDNN_STATUS_SUCCESS, CUDNN_STATUS_EXECUTION_FAILED,
                                               CUDNN_STATUS_BAD_PARAM};

struct CudnnHandle : OnDevice {
  static constexpr const char* type = "cudnnHandle_t";
};

// Of 4 dimensions, dense NCHW.
struct Elements {
  bool set = false;
  DataType element = DataType::f32;
  Shape shape;
  size_t count() const { return static_cast<size_t>(element_count(shape)); }
  size_t bytes() const { return count() * alx::size_of(element); }
  std::string text() const { return cat(to_string(shape), " of ", name_of(element)); }
};

struct TensorInfo : Elements {
  static constexpr const char* type = "cudnnTensorDescriptor_t";
};

struct FilterInfo : Elements {
  static constexpr const char* type = "cudnnFilterDescriptor_t";
};

struct ConvolutionInfo {
  static constexpr const char* type = "cudnnConvolutionDescriptor_t";
  bool set = false;
  int64_t pad_h = 0, pad_w = 0, stride = 1, groups = 1;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

struct ActivationInfo {
  static constexpr const char* type = "cudnnActivationDescriptor_t";
  bool set = false;
  cudnnActivationMode_t mode = CUDNN_ACTIVATION_IDENTITY;
  bool keeps_nan = true;
};

struct LrnInfo {
  static constexpr const char* type = "cudnnLRNDescriptor_t";
  bool set = false;
  int64_t size = 0;
  double alpha = 0, beta = 0, k = 0;
};

struct PoolingInfo {
  static constexpr const char* type = "cudnnPoolingDescriptor_t";
  bool set = false;
  cudnnPoolingMode_t mode = CUDNN_POOLING_MAX;
  int64_t window = 1, pad_h = 0, pad_w = 0, stride = 1;
};

inline const TensorInfo& tensor(cudnnTensorDescriptor_t descriptor, const char* name) {
  return get_set<TensorInfo>(descriptor, name);
}

// dimensions and type
void check_same(const Elements& a, const char* a_name, const Elements& b, const char* b_name);

// One operation in the making: collects and checks the memory that it uses, then runs on the
// handle's stream. The work gets its pointers in the order of read() and write().
class Operation {
 public:
  Operation(const char* call, cudnnHandle_t handle);

  // The result is alpha * f(inputs) + beta * the old result; only 1 and 0 are simulated.
  static void check_blend(const void* alpha, const void* beta);

  void read(const char* name, const Elements& elements, const void* pointer);
  // `in_place`: the name of an input whose very memory this may be.
  void write(const char* name, const Elements& elements, void* pointer,
             const char* in_place = nullptr);
  void workspace(void* pointer, size_t bytes, size_t needed);
  void run(const Work& work) const;

 private:
  const char* call_;
  cudaStream_t stream_;
  std::vector<Range> ranges_;
  bool has_workspace_ = false;  // the last range
};

void add_cudnn_descriptors(cudnn::Api& api);
void add_cudnn_convolution(cudnn::Api& api);
void add_cudnn_layers(cudnn::Api& api);

}  // namespace alx::cudasim
