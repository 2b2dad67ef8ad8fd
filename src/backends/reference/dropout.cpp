#include "backends/reference/kernel.h"
#include "core/random.h"

namespace alx::reference {
namespace {

// The mask is a pure function of seed, name, step and index: backward draws it again.
class DropoutKernel : public ReferenceKernel {
 public:
  DropoutKernel(const Dropout& op, const CompileRequest& request)
      : ReferenceKernel(op, request),
        drop_(op.drop),
        scale_(scale(op, training_)),
        stream_(hash_name(request.layer.layer)),
        count_(element_count(in_shape())),
        first_(static_cast<uint64_t>(request.layer.first)),
        whole_(static_cast<uint64_t>(request.layer.whole)),
        images_before_(request.layer.images * in_shape()[0]) {
    spec_.in_place = spec_.grad_in_place = true;
    spec_.alias = op.inverted && !training_;
  }

  void forward() override {
    if (!spec_.alias) apply(input(), output());
  }
  void backward() override {
    if (wants_grad()) apply(output_grad(), input_grad());
  }

 private:
  static double scale(const Dropout& op, bool training) {
    if (op.inverted) return training ? 1 / (1.0 - op.drop) : 1.0;
    return training ? 1.0 : 1.0 - op.drop;
  }

  void apply(const float* from, float* to) const {
    const Random random(step_->seed, stream_, step_->step);
    const auto row = static_cast<uint64_t>(count_ / in_shape()[0]),
               image = static_cast<uint64_t>(step_->first_image + images_before_);
    for (int64_t i = 0; i < count_; ++i) {
      const bool keep = !training_ || random.uniform(mask_index(static_cast<uint64_t>(i), row,
                                                                image, first_, whole_)) >= drop_;
      to[i] = keep ? static_cast<float>(from[i] * scale_) : 0.0f;
    }
  }

  float drop_;
  double scale_;
  uint64_t stream_;
  int64_t count_;
  uint64_t first_, whole_;
  int64_t images_before_;  // of the batch, seen by other parts of the layer
};

}  // namespace

std::unique_ptr<Kernel> make(const Dropout& op, const CompileRequest& request) {
  return std::make_unique<DropoutKernel>(op, request);
}

}  // namespace alx::reference
