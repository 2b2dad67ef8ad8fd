#include "backends/onednn/kernels.h"
#include "backends/vectors/elementwise.h"

namespace alx::onednn {
namespace {

// In inference; picture by picture. What training ends with is SoftmaxLoss.
class SoftmaxKernel final : public Kernel {
 public:
  explicit SoftmaxKernel(const Context& context)
      : runtime_(context.runtime),
        images_(context.in().shape[0]),
        classes_(element_count(context.in().shape) / images_) {
    spec_.inputs = spec_.outputs = {{context.in().shape, DataType::f32, nullptr}};
    spec_.in_place = true;
    spec_.implementation = runtime_->vectors_name();
  }
  void bind(const Binding& binding) override { binding_ = binding; }

  void forward() override {
    const auto* x = static_cast<const float*>(binding_.inputs[0]);
    auto* p = static_cast<float*>(binding_.outputs[0]);
    constexpr int64_t least_classes = 4096;  // that another thread is worth
    each_range(*runtime_, images_, divide_up(least_classes, classes_),
               [&](int64_t first, int64_t last) {
                 for (int64_t at = first * classes_; at < last * classes_; at += classes_)
                   vectors::softmax(runtime_->target, x + at, p + at, classes_);
               });
  }
  void backward() override {}

 private:
  const std::shared_ptr<const Runtime> runtime_;
  const int64_t images_, classes_;
  Binding binding_;
};

}  // namespace

std::unique_ptr<Kernel> make(const Softmax& op, const Context& context) {
  if (context.training()) return plain_kernel(op, context);
  return std::make_unique<SoftmaxKernel>(context);
}

}  // namespace alx::onednn
