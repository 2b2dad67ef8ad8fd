#include <algorithm>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "backends/cudnn/kernel.h"
#include "core/error.h"
#include "core/log.h"

namespace alx::cudnn {
namespace {

constexpr size_t most_workspace = size_t{1} << 30;
constexpr int most_results = 16;

using FilterHandle = Handle<cudnnFilterDescriptor_t, &Api::cudnnCreateFilterDescriptor,
                            &Api::cudnnDestroyFilterDescriptor>;
using ConvHandle = Handle<cudnnConvolutionDescriptor_t, &Api::cudnnCreateConvolutionDescriptor,
                          &Api::cudnnDestroyConvolutionDescriptor>;

// Which of cuDNN's algorithms runs a pass: the fastest of those that give the same bits each time,
// measured once in this process for each shape and kind of GPU. Where all differ from run to run,
// the fastest, with a warning.
template <class Result>
struct Choice {
  decltype(Result::algo) algorithm{};
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
  size_t workspace = 0;

  std::string text() const {  // equal where the bits are
    return cat(static_cast<int>(algorithm), "/", static_cast<int>(math));
  }
};

// What the choice is for: `conv` gets its math type; of the `math` that is wanted FMA is kept
// whatever was measured. `key` tells shapes, types and math; convolutions of equal keys share a
// measurement.
struct Wanted {
  const char* what;
  const ConvHandle& conv;
  cudnnMathType_t math;
  std::string key;
};

// a, b and c are the pass's descriptors, in the order of cuDNN's calls. Find gives the fastest
// first. It also measures other math types than the descriptor's, so each result is asked again
// with the one it would run with.
template <class Result, auto Find, auto Workspace, class A, class B, class C>
Choice<Result> choose(Device& device, const Wanted& wanted, const A& a, const B& b, const C& c) {
  static std::mutex mutex;
  static std::map<std::string, Choice<Result>> choices;
  const cudnnHandle_t handle = device.cudnn();
  const std::lock_guard lock(mutex);
  const std::string full_key = device.model() + " " + wanted.key;
  const auto use_math = [&](cudnnMathType_t math) {
    device.call<&Api::cudnnSetConvolutionMathType>(wanted.conv, math);
  };
  if (const auto known = choices.find(full_key); known != choices.end()) {
    use_math(known->second.math);
    return known->second;
  }
  std::vector<Result> results(most_results);
  int count = 0;
  device.without_captures([&] {
    device.call<Find>(handle, a, b, wanted.conv, c, most_results, &count, results.data());
  });
  results.resize(static_cast<size_t>(count));
  // What was measured with another math type would be slower in FMA, which is what f32 needs; else
  // the fastest wins.
  const bool fma = wanted.math == CUDNN_FMA_MATH;
  if (fma)
    std::stable_partition(results.begin(), results.end(),
                          [&](const Result& r) { return r.mathType == wanted.math; });
  for (const bool repeats : {true, false})
    for (const Result& result : results) {
      if (result.status != CUDNN_STATUS_SUCCESS ||
          (result.determinism == CUDNN_DETERMINISTIC) != repeats)
        continue;
      Choice<Result> choice{result.algo, fma ? wanted.math : result.mathType, 0};
      use_math(choice.math);
      if ((device.api().*Workspace)(handle, a, b, wanted.conv, c, choice.algorithm,
                                    &choice.workspace) != CUDNN_STATUS_SUCCESS ||
          choice.workspace > most_workspace)
        continue;
      if (!repeats)
        log_line(LogLevel::warning,
                 cat("cuda:", device.index(), ": cuDNN has no deterministic ", wanted.what,
                     " for the convolution ", wanted.key, ": its bits differ from run to run"));
      return choices[full_key] = choice;
    }
  fail(Code::unsupported, "cuDNN has no ", wanted.what, " for this convolution that takes at most ",
       most_workspace >> 20, " MB of workspace: ", wanted.key);
}

// cuDNN pads alike on both sides. Where the op does not, the input is padded into scratch memory
// first.
bool pads_alike(const Pad& pad) { return pad.top == pad.bottom && pad.left == pad.right; }

Shape shape_for_cudnn(const Conv& op, Shape in) {
  if (pads_alike(op.pad)) return in;
  in[2] += op.pad.top + op.pad.bottom;
  in[3] += op.pad.left + op.pad.right;
  return in;
}

class ConvKernel : public DeviceKernel {
 public:
  ConvKernel(const Conv& op, const Context& context)
      : DeviceKernel(op, context, context.type()),
        op_(op),
        padded_(!pads_alike(op.pad)),
        // f32 is f32: without this cuDNN would round to TF32.
        math_(context.tf32()           ? CUDNN_DEFAULT_MATH
              : type_ == DataType::f32 ? CUDNN_FMA_MATH
                                       : CUDNN_TENSOR_OP_MATH),
        x_shape_(shape_for_cudnn(op, in_shape())),
        activation_(*device_, op.activation),
        x_(*device_, x_shape_, type_),
        y_(*device_, out_shape(), type_),
        filter_(device_->api(), device_->index()),
        forward_conv_(device_->api(), device_->index()),
        data_conv_(device_->api(), device_->index()),
        filter_conv_(device_->api(), device_->index()) {
    const Shape& w = spec_.params[0].shape;
    device_->call<&Api::cudnnSetFilter4dDescriptor>(filter_, type_of(type_), CUDNN_TENSOR_NCHW,
                                                    static_cast<int>(w[0]), static_cast<int>(w[1]),
                                                    static_cast<int>(w[2]), static_cast<int>(w[3]));
    for (const ConvHandle* conv : {&forward_conv_, &data_conv_, &filter_conv_}) set_up(*conv);
    plan_forward();
    if (training_) plan_backward();
  }

  void run_forward() override {
    const void* x = input(forward_scratch(padded_x_));
    const void* weight = convert_weight();
    void* const y = memory_.outputs[0];
    device_->call<&Api::cudnnConvolutionForward>(device_->cudnn(), &one, x_, x, filter_, weight,
                                                 forward_conv_, forward_.algorithm, forward_work(),
                                                 forward_.workspace, &zero, y_, y);
    // cuDNN has a call for all of it, whose ReLU turns not-a-number into 0: an overflow would look
    // like an answer.
    device_->launch(BiasActivation{y, memory_.params[1], type_, spec_.params[1].type,
                                   op_.activation, static_cast<size_t>(op_.out), plane(), count()});
  }

  void run_backward() override {
    void* const dy = memory_.output_grads[0];
    const void* const gradient = dy;
    if (op_.activation != Activation::none)
      activation_backward(*device_, activation_, y_, memory_.outputs[0], dy, dy);
    sum_channels(*device_, type_, gradient, out_shape(), backward_scratch(channel_sums_),
                 memory_.param_grads[1]);
    // In f32 in the end, whatever cuDNN makes it in.
    void* const dw = converts_params() ? backward_scratch(weight_grad_) : memory_.param_grads[0];
    device_->call<&Api::cudnnConvolutionBackwardFilter>(
        device_->cudnn(), &one, x_, input(backward_scratch(padded_x_)), y_, gradient, filter_conv_,
        for_filter_.algorithm, work(for_filter_.workspace), for_filter_.workspace, &zero, filter_,
        dw);
    if (converts_params())
      device_->launch(Convert{dw, memory_.param_grads[0], type_, DataType::f32,
                              static_cast<size_t>(element_count(spec_.params[0].shape))});
    if (wants_grad()) input_gradient(gradient);
  }

 private:
  void set_up(cudnnConvolutionDescriptor_t conv) const {
    const auto size = [](int64_t v) { return static_cast<int>(v); };
    const int pad_h = padded_ ? 0 : size(op_.pad.top), pad_w = padded_ ? 0 : size(op_.pad.left);
    device_->call<&Api::cudnnSetConvolution2dDescriptor>(conv, pad_h, pad_w, size(op_.stride),
                                                         size(op_.stride), 1, 1,
                                                         CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
    device_->call<&Api::cudnnSetConvolutionGroupCount>(conv, size(op_.groups));
    device_->call<&Api::cudnnSetConvolutionMathType>(conv, math_);
  }

  std::string key() const {
    return cat(name_of(type_), " ", static_cast<int>(math_), " ", to_string(x_shape_), " conv ",
               to_string(spec_.params[0].shape), " /", op_.stride, " pad ",
               padded_ ? 0 : op_.pad.top, ",", padded_ ? 0 : op_.pad.left, " groups ", op_.groups);
  }

  void plan_forward() {
    forward_ = choose<cudnnConvolutionFwdAlgoPerf_t, &Api::cudnnFindConvolutionForwardAlgorithm,
                      &Api::cudnnGetConvolutionForwardWorkspaceSize>(
        *device_, {"forward pass", forward_conv_, math_, key()}, x_, filter_, y_);
    spec_.implementation = "cudnn:forward " + forward_.text();
    Scratch scratch;
    padded_x_ = scratch.add(padded_ ? padded_bytes() : 0);
    forward_work_ = scratch.add(forward_.workspace);
    spec_.forward_workspace = scratch.bytes();
  }

  void plan_backward() {
    spec_.backward_reads_inputs = true;
    spec_.backward_reads_outputs = op_.activation != Activation::none;
    for_filter_ = choose<cudnnConvolutionBwdFilterAlgoPerf_t,
                         &Api::cudnnFindConvolutionBackwardFilterAlgorithm,
                         &Api::cudnnGetConvolutionBackwardFilterWorkspaceSize>(
        *device_, {"gradient of the filters", filter_conv_, math_, key()}, x_, y_, filter_);
    spec_.implementation += ", filter " + for_filter_.text();
    if (wants_grad()) {
      for_data_ =
          choose<cudnnConvolutionBwdDataAlgoPerf_t, &Api::cudnnFindConvolutionBackwardDataAlgorithm,
                 &Api::cudnnGetConvolutionBackwardDataWorkspaceSize>(
              *device_, {"gradient of the input", data_conv_, math_, key()}, filter_, y_, x_);
      spec_.implementation += ", data " + for_data_.text();
    }
    Scratch scratch;
    scratch.add(padded_ ? padded_bytes() : 0);  // the input, then its gradient, at padded_x_
    weight_grad_ = scratch.add(converted_bytes());
    spec_.state = converted_bytes();
    channel_sums_ = scratch.add(channel_sum_bytes(out_shape()));
    device_->ones(type_, plane());
    device_->ones(DataType::f32, static_cast<size_t>(out_shape()[0]));
    backward_work_ = scratch.add(std::max(for_filter_.workspace, for_data_.workspace));
    spec_.backward_workspace = scratch.bytes();
  }

  size_t plane() const { return static_cast<size_t>(out_shape()[2] * out_shape()[3]); }
  size_t padded_bytes() const {
    return static_cast<size_t>(element_count(x_shape_)) * size_of(type_);
  }
  void* work(size_t bytes) const { return bytes ? backward_scratch(backward_work_) : nullptr; }
  void* forward_work() const {
    return forward_.workspace ? forward_scratch(forward_work_) : nullptr;
  }

  // The input as cuDNN takes it.
  const void* input(void* scratch) const {
    if (!padded_) return memory_.inputs[0];
    pad(memory_.inputs[0], in_shape(), scratch, x_shape_, op_.pad, 0);
    return scratch;
  }

  void input_gradient(const void* dy) {
    void* const dx = padded_ ? backward_scratch(padded_x_) : memory_.input_grads[0];
    device_->call<&Api::cudnnConvolutionBackwardData>(
        device_->cudnn(), &one, filter_, weight(), y_, dy, data_conv_, for_data_.algorithm,
        work(for_data_.workspace), for_data_.workspace, &zero, x_, dx);
    if (padded_) crop(dx, x_shape_, memory_.input_grads[0], in_shape(), op_.pad);
  }

  Conv op_;
  bool padded_;
  cudnnMathType_t math_;
  Shape x_shape_;  // with padding where padded_
  ActivationDescriptor activation_;
  TensorDescriptor x_, y_;
  FilterHandle filter_;
  ConvHandle forward_conv_, data_conv_, filter_conv_;
  Choice<cudnnConvolutionFwdAlgoPerf_t> forward_;
  Choice<cudnnConvolutionBwdDataAlgoPerf_t> for_data_;
  Choice<cudnnConvolutionBwdFilterAlgoPerf_t> for_filter_;
  // Places in scratch memory.
  size_t padded_x_ = 0, forward_work_ = 0;
  size_t weight_grad_ = 0, channel_sums_ = 0, backward_work_ = 0;
};

}  // namespace

std::unique_ptr<Kernel> make(const Conv& op, const Context& context) {
  return std::make_unique<ConvKernel>(op, context);
}

}  // namespace alx::cudnn
