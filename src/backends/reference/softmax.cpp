#include <cmath>
#include <vector>

#include "backends/reference/kernel.h"
#include "core/error.h"

namespace alx::reference {
namespace {

// The largest is subtracted first, so that nothing overflows. Returns the logarithm of the sum of
// exp(x). `p` may be `x`.
double softmax(const float* x, int64_t count, float* p) {
  const double largest = *std::max_element(x, x + count);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i) sum += std::exp(x[i] - largest);
  const double log_sum = largest + std::log(sum);
  for (int64_t i = 0; i < count; ++i) p[i] = static_cast<float>(std::exp(x[i] - log_sum));
  return log_sum;
}

class SoftmaxKernel : public ReferenceKernel {
 public:
  SoftmaxKernel(const Softmax& op, const CompileRequest& request) : ReferenceKernel(op, request) {
    spec_.in_place = spec_.grad_in_place = true;
    spec_.backward_reads_outputs = training_;
  }

  void forward() override {
    const int64_t classes = in_shape()[1];
    for (int64_t n = 0; n < in_shape()[0]; ++n)
      softmax(input() + n * classes, classes, output() + n * classes);
  }

  void backward() override {
    if (!wants_grad()) return;
    const int64_t classes = in_shape()[1];
    for (int64_t n = 0; n < in_shape()[0]; ++n) {
      const float *p = output() + n * classes, *dy = output_grad() + n * classes;
      const double mean = dot(p, dy, classes);
      for (int64_t i = 0; i < classes; ++i)
        input_grad()[n * classes + i] = static_cast<float>(p[i] * (dy[i] - mean));
    }
  }
};

class SoftmaxLossKernel : public ReferenceKernel {
 public:
  SoftmaxLossKernel(const SoftmaxLoss& op, const CompileRequest& request)
      : ReferenceKernel(op, request),
        smoothing_(op.smoothing),
        weights_(op.class_weights),
        mean_weight_(op.mean_weight()),
        images_(in_shape()[0]),
        classes_(in_shape()[1]) {
    spec_.inputs[1].type = DataType::i32;
    spec_.in_place = true;
    if (!training_) return;
    spec_.input_grads[1] = {};
    spec_.output_grads = {{}, {}};  // it starts from the loss itself
    spec_.backward_reads_outputs = true;
    spec_.state = static_cast<size_t>(images_) * sizeof(int32_t);
  }

  void forward() override {
    const auto* labels = static_cast<const int32_t*>(memory_.inputs[1]);
    for (int64_t n = 0; n < images_; ++n)
      check(labels[n] < classes_, Code::invalid_argument, "image ", n, " of the batch has label ",
            labels[n], ", but there are ", classes_, " classes: labels must lie in 0..",
            classes_ - 1, ", or be -1 for none");
    if (training_) std::copy_n(labels, images_, static_cast<int32_t*>(memory_.state));
    for (int64_t n = 0; n < images_; ++n) output(1)[n] = static_cast<float>(row_loss(n, labels[n]));
  }

  void backward() override {
    if (!wants_grad()) return;
    const auto* labels = static_cast<const int32_t*>(memory_.state);
    const double batch =
        step_->loss_divisor > 0
            ? step_->loss_divisor
            : static_cast<double>(step_->global_batch > 0 ? step_->global_batch : images_);
    for (int64_t n = 0; n < images_; ++n) {
      const float* p = output() + n * classes_;
      float* grad = input_grad() + n * classes_;
      const double sum = labels[n] < 0 ? 0 : sum_of_target(labels[n]);
      for (int64_t i = 0; i < classes_; ++i)
        grad[i] = labels[n] < 0 ? 0.0f
                                : static_cast<float>((p[i] * sum - target(i, labels[n])) / batch *
                                                     step_->loss_scale);
    }
  }

 private:
  double weight(int64_t i) const {
    return weights_.empty() ? 1 : static_cast<double>(weights_[static_cast<size_t>(i)]);
  }
  double target(int64_t i, int32_t label) const {
    return weight(i) *
           ((i == label ? 1 - smoothing_ : 0) + smoothing_ / static_cast<double>(classes_));
  }
  double sum_of_target(int32_t label) const {
    return weights_.empty() ? 1 : (1 - smoothing_) * weight(label) + smoothing_ * mean_weight_;
  }

  // Writes the probabilities of a row; -sum of target * log p. The logits are read before they may
  // be overwritten.
  double row_loss(int64_t n, int32_t label) {
    const float* logits = input() + n * classes_;
    const double hit = label < 0 ? 0 : weight(label) * logits[label];
    double mean = 0;
    if (smoothing_ > 0)
      for (int64_t i = 0; i < classes_; ++i)
        mean += weight(i) * logits[i] / static_cast<double>(classes_);
    const double log_sum = softmax(logits, classes_, output() + n * classes_);
    return label < 0 ? 0
                     : sum_of_target(label) * log_sum - (1 - smoothing_) * hit - smoothing_ * mean;
  }

  double smoothing_;
  std::vector<float> weights_;
  double mean_weight_;
  int64_t images_, classes_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Softmax& op, const CompileRequest& request) {
  return std::make_unique<SoftmaxKernel>(op, request);
}

std::unique_ptr<Kernel> make(const SoftmaxLoss& op, const CompileRequest& request) {
  return std::make_unique<SoftmaxLossKernel>(op, request);
}

}  // namespace alx::reference
